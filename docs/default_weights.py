"""Make the default weights from a run of pipelines/default_statistics.toml:  python docs/default_weights.py RUN"""

import sys
from pathlib import Path

from roadseg.jobs.adapt import recipe_of
from roadseg.models.weights import DEFAULT_FILE, load_model, save_model
from roadseg.training.recipe import STREETS

if __name__ == "__main__":
    run = Path(sys.argv[1])
    network, card = load_model(run)
    _, trained = load_model(Path(recipe_of(run).init))
    # Adapting them renders streets anew: the folder on this machine means nothing elsewhere.
    card = trained.model_copy(update={"source": STREETS, "target": card.target, "scores": {}})
    save_model(DEFAULT_FILE, network, card, half=True)
