"""Make weights of the package from a run of their recipe:  python docs/packaged_weights.py NAME RUN [RUN ...]

NAME is `default` or `indian`. Of a run that is not finished, the average of the weights at the last checkpoint is
taken. Of several runs, of which `default` may be one, the mean of their weights is taken (Wortsman et al., "Model
soups", ICML 2022); the card is that of the last.
"""

import sys
from pathlib import Path

from roadseg.evaluation.trained import card_of
from roadseg.jobs.adapt import recipe_of
from roadseg.labels.catalogue import label_space
from roadseg.models.build import build_model
from roadseg.models.names import PACKAGED
from roadseg.models.network import SegmentationNetwork
from roadseg.models.weights import ModelCard, load_model, load_weights, packaged_file, save_model
from roadseg.training.run_folder import RunFolder


def trained(name: str) -> tuple[SegmentationNetwork, ModelCard]:
    """Return the network of a run and its card, also of one that is not finished."""
    run = RunFolder(Path(name))
    if name in PACKAGED or run.model.is_file():
        return load_model(name)
    recipe, checkpoint = recipe_of(run.path), run.load_checkpoint()
    network = build_model(recipe.model, len(label_space(recipe.labels)), pretrained=False)
    load_weights(network, checkpoint["networks"]["average"])
    return network, card_of(recipe, network).model_copy(update={"steps": checkpoint["step"]})


if __name__ == "__main__":
    name, *runs = sys.argv[1:]
    networks = [trained(run) for run in runs]
    network, card = networks[-1]
    states = [one.state_dict() for one, _ in networks]
    mean = {
        key: sum(state[key] for state in states) / len(states) if value.is_floating_point() else value
        for key, value in states[-1].items()
    }
    network.load_state_dict(mean)
    save_model(packaged_file(name), network, card.model_copy(update={"scores": {}}), half=True)
