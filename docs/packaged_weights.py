"""Make weights of the package from a run of their recipe:  python docs/packaged_weights.py NAME RUN

NAME is `default` or `indian`, whose recipes are pipelines/default.toml and pipelines/indian.toml. Of a run that is not
finished, the average of the weights at the last checkpoint is taken.
"""

import sys
from pathlib import Path

from roadseg.evaluation.trained import card_of
from roadseg.jobs.adapt import recipe_of
from roadseg.labels.catalogue import label_space
from roadseg.models.build import build_model
from roadseg.models.weights import load_model, load_weights, packaged_file, save_model
from roadseg.training.run_folder import RunFolder

if __name__ == "__main__":
    name, run = sys.argv[1], RunFolder(Path(sys.argv[2]))
    if run.model.is_file():
        network, card = load_model(run.path)
    else:
        recipe, checkpoint = recipe_of(run.path), run.load_checkpoint()
        network = build_model(recipe.model, len(label_space(recipe.labels)), pretrained=False)
        load_weights(network, checkpoint["networks"]["average"])
        card = card_of(recipe, network).model_copy(update={"steps": checkpoint["step"]})
    save_model(packaged_file(name), network, card.model_copy(update={"scores": {}}), half=True)
