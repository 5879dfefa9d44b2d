# Sourced by the scripts for a machine with a GPU: installs the wheels in $WHEELS, if it is set, and lets Python find
# roadseg in the repository.
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
if [ -n "${WHEELS:-}" ]; then
    "$python" -m pip install --quiet --no-index --no-deps --find-links "$WHEELS" "$WHEELS"/*.whl
fi
