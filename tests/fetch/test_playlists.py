"""Playlists as texts: the initialization vectors of encrypted segments."""

from roadseg.fetch.playlists import with_explicit_ivs


def test_each_segment_gets_the_iv_that_its_number_stands_for():
    playlist = """#EXTM3U
#EXT-X-MEDIA-SEQUENCE:254
#EXT-X-MAP:URI="init.mp4"
#EXTINF:1,
plain.ts
#EXT-X-KEY:METHOD=AES-128,URI="key"
#EXTINF:1,
second.ts

third.ts
#EXT-X-KEY:METHOD=AES-128,URI="key",IV=0x1
own.ts
#EXT-X-KEY:METHOD=NONE
last.ts
#EXT-X-ENDLIST
"""
    assert with_explicit_ivs(playlist) == playlist.replace(
        "second.ts", f'#EXT-X-KEY:METHOD=AES-128,URI="key",IV=0x{255:032x}\nsecond.ts'
    ).replace("third.ts", f'#EXT-X-KEY:METHOD=AES-128,URI="key",IV=0x{256:032x}\nthird.ts')
