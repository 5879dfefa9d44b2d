"""Make the weights that ship out of a finished run, in half precision:  python docs/default_weights.py RUN"""

import sys
from pathlib import Path

from roadseg.models.weights import DEFAULT_FILE, load_model, save_model

if __name__ == "__main__":
    network, card = load_model(Path(sys.argv[1]))
    save_model(DEFAULT_FILE, network, card.model_copy(update={"scores": {}}), half=True)
