"""A small plan of a study, for tests that run it."""

from minisnn.study.plan import Plan


def small_plan(dataset, epochs):
    """Return a plan of every stage for the small images that tests share; `epochs` are those in full length."""
    return Plan(
        dataset=dataset,
        training={"topology": "4C3-MP2-3", "num_steps": 3, "validation": 0.2, "batch_size": 16},
        screening=1,
        epochs=epochs,
        scales=(1, 4),
        betas=(0.25, 0.7),
        thresholds=(0.5, 1.0),
        penalties=("1,0",),
        ramp=0.5,
        narrower=(2,),
        steps=(2,),
        seeds=(0, 1),
        lanes=(2, 3),
        margins=(0.2, 0.5),
        tolerance=0.5,
    )
