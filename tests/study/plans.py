"""A small plan of a study, for tests that run it."""

from minisnn.study.plan import Plan


def small_plan(dataset, **changes):
    """Return a plan of every stage for the small images that tests share."""
    values = {
        "dataset": dataset,
        "training": {"topology": "4C3-MP2-3", "num_steps": 3, "validation": 0.2, "batch_size": 16},
        "trial_epochs": 1,
        "epochs": 2,
        "scales": (1, 4),
        "rates": (4e-3, 8e-3),
        "finalists": 2,
        "betas": (0.25, 0.7),
        "thresholds": (0.5, 1.0),
        "cycle_penalties": (0.5,),
        "ramp": 0.5,
        "learned": "beta,threshold",
        "steps": (2,),
        "followed": 1,
        "seeds": (0, 1),
        "lanes": (2, 3),
        "tolerance": 0.5,
    }
    return Plan(**values | changes)
