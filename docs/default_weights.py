"""Make the default weights from a run of pipelines/default.toml:  python docs/default_weights.py RUN

Of a run that is not finished, the average of the weights at the last checkpoint is taken.
"""

import sys
from pathlib import Path

from roadseg.evaluation.trained import card_of
from roadseg.jobs.adapt import recipe_of
from roadseg.labels.catalogue import label_space
from roadseg.models.build import build_model
from roadseg.models.weights import DEFAULT_FILE, load_model, load_weights, save_model
from roadseg.training.run_folder import RunFolder

if __name__ == "__main__":
    run = RunFolder(Path(sys.argv[1]))
    if run.model.is_file():
        network, card = load_model(run.path)
    else:
        recipe, checkpoint = recipe_of(run.path), run.load_checkpoint()
        network = build_model(recipe.model, len(label_space(recipe.labels)), pretrained=False)
        load_weights(network, checkpoint["networks"]["average"])
        card = card_of(recipe, network).model_copy(update={"steps": checkpoint["step"]})
    save_model(DEFAULT_FILE, network, card.model_copy(update={"scores": {}}), half=True)
