"""Make the weights that ship out of a run of pipelines/default_statistics.toml:  python docs/default_weights.py RUN"""

import sys
from pathlib import Path

from roadseg.adapt import recipe_of
from roadseg.models.weights import DEFAULT_FILE, load_model, save_model

if __name__ == "__main__":
    run = Path(sys.argv[1])
    network, card = load_model(run)
    _, trained = load_model(Path(recipe_of(run).init))
    card = trained.model_copy(update={"target": card.target, "scores": {}})
    save_model(DEFAULT_FILE, network, card, half=True)
