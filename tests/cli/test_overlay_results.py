"""Lines about videos as they end."""

from helpers.drive_clips import TheUpperHalfIsSky, make_drive

from roadseg.cli.console import Reporter
from roadseg.cli.overlay_results import Notices, report_result
from roadseg.drives.find import find_drives
from roadseg.jobs.overlay import overlay_videos


def test_what_clips_of_a_drive_have_in_common_is_said_once_and_at_the_end(tmp_path, capsys):
    for second in (0, 2, 4):
        make_drive(tmp_path / "card" / f"20240814_08300{second}_NF.mp4", (5,) * 4)
    times = "".join(
        f'<trkpt lat="28.60{second}" lon="77.2"><time>2024-08-14T03:00:0{second}Z</time></trkpt>' for second in range(7)
    )
    track = tmp_path / "track.gpx"
    track.write_text(f"<gpx><trk><trkseg>{times}</trkseg></trk></gpx>")
    reporter = Reporter()
    notices = Notices(reporter)
    overlay_videos(
        find_drives(tmp_path / "card").videos(),
        *(tmp_path / "out", TheUpperHalfIsSky()),
        gps=track,
        on_result=lambda result: report_result(reporter, notices, result),
    )
    notices.end()
    said = [line for line in capsys.readouterr().err.splitlines() if "placed by" in line]
    placed = "positions: placed by the local time in its name (Asia/Kolkata, UTC+05:30)"
    assert said == [
        f"warning: {tmp_path}/card/20240814_083000_NF.mp4: {placed}",
        f"warning: 2024-08-14_08-30-00, front: {placed} (3 clips)",
    ]
    assert f"{placed} (3 clips)" in next((tmp_path / "out").rglob("*.report.html")).read_text()
