"""Networks of snnTorch imported and exported: no spike differs, and what cannot be carried is refused by name."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import minisnn as ms
from minisnn import Encoder, Model, Network
from minisnn.errors import InputError
from minisnn.interop.compare import compare, reset_delay_counted
from minisnn.interop.reset_delay import bounds, notes
from minisnn.interop.snntorch import network_of
from minisnn.training.train import fine_tune
from tests.benchmarks import interop as benchmark

torch = pytest.importorskip("torch")
snn = pytest.importorskip("snntorch")
nn = torch.nn
prune = pytest.importorskip("torch.nn.utils.prune")

STEPS = 6
IMAGES = np.random.default_rng(0).integers(0, 17, (40, 8, 8, 1)).astype(np.uint8)


def leaky(beta=0.9, threshold=1.0, output=False, **options):
    return snn.Leaky(beta, threshold=threshold, init_hidden=True, output=output, **options)


def network(**options):
    """Return two convolutions and two linear layers with constants of their own, which spike on random images."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 5, 3, padding=1),
        leaky(0.9, 0.4, **options),
        nn.MaxPool2d(2),
        nn.Conv2d(5, 4, 2, bias=False),
        leaky(0.5, 0.3, **options),
        nn.Flatten(),
        nn.Linear(4 * 3 * 3, 12),
        leaky(0.75, 0.2, **options),
        nn.Linear(12, 7),
        leaky(0.8, 0.1, output=True, **options),
    ).double()


def imported(module, *arguments, **options):
    """Return the model and the warnings of an import."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = ms.from_snntorch(module, *arguments, **{"num_steps": STEPS, "input_scale": 16, **options})
    return model, [str(warning.message) for warning in caught]


def assert_equal_spikes(model, module, images=IMAGES):
    """Assert that no spike differs, and that every layer spikes, but not always."""
    for layer, found in zip(model.network.layers, compare(model, module, images)):
        assert found.differ == 0 and 0 < found.spikes < STEPS * len(images) * layer.shape.neurons, found


@pytest.mark.parametrize("reset, delay", [("subtract", True), ("zero", True), ("zero", False)])
def test_no_spike_differs(reset, delay):
    module = network(reset_mechanism=reset, reset_delay=delay)
    model, told = imported(module, (8, 8, 1))
    assert not told
    assert (model.network.reset, model.network.dtype) == (reset, np.float64)
    assert_equal_spikes(model, module)


def test_membranes_are_snntorchs():
    module = network()
    model, _ = imported(module, (8, 8, 1))
    run = model.network.forward(model.encoder.encode(IMAGES, dtype=np.float64), STEPS)
    x, mems = torch.tensor(IMAGES / 16).permute(0, 3, 1, 2), []
    for layer in module:  # snnTorch's surrogates give single precision
        layer.register_forward_pre_hook(lambda layer, arguments: (arguments[0].double(),))
    with torch.no_grad():
        for _ in range(STEPS):
            mems.append(module(x)[1].numpy())
    np.testing.assert_allclose(run.mem, np.array(mems), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "weight, told_bound, told_count",
    [
        (0.5, [], []),
        (
            1.0,
            ["membranes of 2.4 times the threshold in layer 1 1; ms.interop"],
            ["on 1 test image snnTorch with reset_delay=False gives 5 spikes, and 0 differ here"],
        ),
        (
            1.5,
            ["membranes of 2.9 times the threshold in layer 1 1; ms.interop"],
            ["gives 1 spike, and 4 differ here (4 in layer 1 1); train on with"],
        ),
    ],
)
def test_subtract_without_delay_is_equal_until_a_membrane_passes_twice_the_threshold(weight, told_bound, told_count):
    """A neuron with beta 0.5 and a current of 0.9, and one spike at the first step: U begins at 1.4, 1.9 or 2.4."""
    module = nn.Sequential(nn.Linear(1, 1), leaky(0.5, reset_delay=False))
    nn.init.constant_(module[0].weight, weight)
    nn.init.constant_(module[0].bias, 0.9)
    model, told = imported(module, encoding="latency")
    assert model.network.reset == "subtract_then_leak"
    counted = reset_delay_counted(model, np.array([[16]]))
    for said, words in ((told, told_bound), (counted, told_count)):
        assert len(said) == len(words) and all(part in note for part, note in zip(words, said)), said
    [layer] = compare(model, module, np.array([[16]]))
    assert layer.spikes > 0 and (layer.differ > 0) == (weight == 1.5)


def test_no_spike_differs_without_delay_where_the_weights_prove_it():
    """The weights of each layer are scaled until the largest membrane that they allow is just below two thresholds."""
    most = 1.99
    rng = np.random.default_rng(0)
    net = Network(
        "5C3-MP2-4C2-9-6",
        (9, 8, 2),
        beta=(0.9, 0.8, 0.7, 0.6),
        threshold=(1.0, 0.5, 0.75, 0.25),
        reset="subtract_then_leak",
        padding=(1, 0),
        pad_value=-0.5,
        dtype="float64",
        rng=rng,
    )
    model = Model(net, Encoder("direct", STEPS, 255.0, (60.0, 60.0), (120.0, 120.0)))
    for layer in net.layers:
        layer.w[...] = np.abs(layer.w)
    for layer, bound in zip(net.layers, bounds(model)):
        layer.w *= (most - layer.beta) / (bound - layer.beta)
    np.testing.assert_allclose(bounds(model), most)
    assert not notes(model)
    images = rng.integers(0, 256, (60, 9, 8, 2)).astype(np.uint8)
    found = compare(model, network_of(model), images)
    assert all(layer.spikes and not layer.differ for layer in found)
    run = net.forward(model.encoder.encode(images, dtype=np.float64), STEPS, record=True)
    over = [record.mem.max() / layer.threshold for record, layer in zip(run.layers, net.layers)]
    assert max(over) <= most * 1.000001 and max(over) > most / 2


def test_a_module_with_its_own_forward_runs_its_steps_itself():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.fc1 = nn.Linear(64, 12)
            self.lif1 = snn.Leaky(0.9, threshold=0.2, learn_beta=True, learn_threshold=True)
            self.fc2 = nn.Linear(12, 5)
            self.lif2 = snn.Leaky(torch.full((5,), 0.5), threshold=0.1)
            self.loss = nn.CrossEntropyLoss()

        def forward(self, x):
            mem1, mem2 = torch.zeros(1), torch.zeros(1)
            for _ in range(STEPS):
                spk1, mem1 = self.lif1(self.fc1(x.flatten(1)), mem1)
                spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            return spk2

    module = Net()
    model, [told] = imported(module, (8, 8, 1))
    assert "in which they were registered" in told
    assert model.network.betas == (0.9, 0.5) and model.network.thresholds == (0.2, 0.1)  # not 0.8999999762
    assert_equal_spikes(model, module)


def test_what_forward_does_by_functions_is_not_seen():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.lif1 = nn.Conv2d(1, 4, 3), snn.Leaky(0.9)
            self.fc, self.lif2 = nn.Linear(4 * 3 * 3, 5), snn.Leaky(0.9)

        def forward(self, x):
            pooled = nn.functional.max_pool2d(self.lif1(self.conv(x))[0], 2)
            return self.lif2(self.fc(pooled.flatten(1)))

    with pytest.raises(InputError, match="gets 6x6x4 = 144: .*; the submodules are .* F.max_pool2d, are not seen"):
        imported(Net(), (8, 8, 1))


def test_networks_made_at_random_are_equal():
    data = ms.load_data("digits")
    few = replace(data, x_train=data.x_train[:256], y_train=data.y_train[:256])
    for number in (1, 4):  # one convolution, and two with batch normalisation
        row = benchmark.measure(number, few)
        assert row.images == 256 and row.differ_double == 0 < row.spikes


def test_normalisation_is_folded_and_dropout_left_out():
    torch.manual_seed(2)
    module = nn.Sequential(
        nn.Conv2d(1, 5, 3, bias=False),
        nn.BatchNorm2d(5),
        leaky(0.9, 0.5),
        nn.MaxPool2d(2),
        nn.Dropout2d(),
        nn.Flatten(),
        nn.Linear(5 * 3 * 3, 7),
        nn.BatchNorm1d(7, affine=False),
        leaky(0.9, 0.5),
    ).double()
    for layer in (module[1], module[7]):
        nn.init.uniform_(layer.running_mean, 0.1, 0.3)
        nn.init.uniform_(layer.running_var, 0.1, 0.5)
    nn.init.uniform_(module[1].weight, 0.5, 1)
    nn.init.uniform_(module[1].bias, -0.2, 0.2)
    model, told = imported(module, (8, 8, 1))
    assert [note.partition(")")[0] for note in told] == ["'1' (BatchNorm2d", "'4' (Dropout2d", "'7' (BatchNorm1d"]
    assert_equal_spikes(model, module)


def test_a_last_layer_without_reset_is_a_membrane_readout():
    module = nn.Sequential(nn.Linear(64, 12), leaky(0.9, 0.2), nn.Linear(12, 5), leaky(reset_mechanism="none"))
    model, [told] = imported(module.double(), (8, 8, 1))
    assert model.network.resets == ("subtract", "none") and "largest membrane" in told
    run = model.network.forward(model.encoder.encode(IMAGES, dtype=np.float64), STEPS)
    assert run.mem.any() and not run.spk.any()


def test_transforms_tell_the_scale():
    def step(name, **values):  # torchvision is not needed: its steps are known by name
        return type(name, (), values)()

    transform = step("Compose", transforms=[step("ToTensor"), step("Normalize", mean=(0.25,), std=[0.5])])
    model, told = imported(nn.Sequential(nn.Linear(2, 3), leaky()), transform=transform, input_scale=None)
    assert not told
    x = np.array([[0, 255]], np.uint8)
    np.testing.assert_allclose(model.encoder.encode(x)[0], (x / 255 - 0.25) / 0.5, rtol=1e-6)
    assert model.encoder.max_value == 255
    steps = [step("Resize"), step("ToImage"), step("ToDtype", scale=True)]
    _, told = imported(
        nn.Sequential(nn.Linear(2, 3), leaky()), transform=step("Compose", transforms=steps), input_scale=None
    )
    assert told == ["Resize of the transform is not carried: the model takes images after it"]
    for wrong, sentence in [
        ([step("RandomCrop")], "the step RandomCrop of the transform cannot be carried"),
        ([step("Normalize", mean=(0,), std=(1,))] * 2, "the transform has two steps Normalize"),
    ]:
        with pytest.raises(InputError, match=sentence):
            imported(
                nn.Sequential(nn.Linear(2, 3), leaky()), transform=step("Compose", transforms=wrong), input_scale=None
            )
    with pytest.raises(InputError, match="give either transform, or input_scale"):
        imported(nn.Sequential(nn.Linear(2, 3), leaky()), transform=transform)


def test_what_was_not_said_is_told():
    _, told = imported(nn.Sequential(nn.Linear(2, 3), leaky()), num_steps=None, input_scale=None)
    assert [note.split(":")[0] for note in told] == [
        "the number of time steps was not given",
        "inputs are taken as they are, up to 1",
    ]


def conv(*layers, **options):
    return nn.Sequential(nn.Conv2d(2, 4, 3, **options), *(layers or [leaky()]), nn.Flatten(), nn.Linear(9, 2), leaky())


def dense(neurons=None, **options):
    return nn.Sequential(nn.Linear(4, 3), neurons or leaky(**options))


def with_reset(number):
    module = dense()
    module[1].reset_mechanism_val = torch.tensor(number)
    return module


def pruned():
    module = dense()
    prune.l1_unstructured(module[0], "weight", 0.5)
    return module


def twice(neurons):
    return nn.Sequential(nn.Linear(3, 3), neurons, nn.Linear(3, 3), neurons)


REFUSED = {
    "the same neurons twice": (
        twice(leaky()),
        "layer '3' (Leaky) is the module '1' (Leaky); every layer needs neurons",
    ),
    "stride": (conv(stride=2), "layer '0' (Conv2d): stride=(2, 2) cannot be carried, only stride=1"),
    "dilation": (conv(dilation=2), "layer '0' (Conv2d): dilation=(2, 2)"),
    "groups": (conv(groups=2), "layer '0' (Conv2d): groups=2"),
    "padding": (conv(padding=(1, 2)), "layer '0' (Conv2d): padding=(1, 2) cannot be carried"),
    "even kernel, same": (
        nn.Sequential(nn.Conv2d(1, 2, 2, padding="same"), leaky()),
        "layer '0' (Conv2d): padding='same'",
    ),
    "padding mode": (conv(padding=1, padding_mode="reflect"), "layer '0' (Conv2d): padding_mode='reflect'"),
    "kernel": (nn.Sequential(nn.Conv2d(1, 2, (2, 3)), leaky()), "layer '0' (Conv2d): kernel_size=(2, 3)"),
    "average": (conv(leaky(), nn.AvgPool2d(2)), "layer '2' (AvgPool2d) cannot be carried: the average of spikes"),
    "pool before": (conv(nn.MaxPool2d(2), leaky()), "layer '1' (MaxPool2d) pools the currents of '0' (Conv2d) before"),
    "pool stride": (conv(leaky(), nn.MaxPool2d(3, 2)), "layer '2' (MaxPool2d): stride=2 cannot be carried"),
    "pool rounded up": (conv(leaky(), nn.MaxPool2d(2, ceil_mode=True)), "layer '2' (MaxPool2d): ceil_mode=True"),
    "pool of no maps": (
        nn.Sequential(*dense(), nn.MaxPool2d(2)),
        "layer '2' (MaxPool2d) does not follow the neurons",
    ),
    "flatten": (nn.Sequential(nn.Flatten(2), *dense()), "layer '0' (Flatten): start_dim=2"),
    "activation": (nn.Sequential(nn.Linear(4, 3), nn.ReLU()), "layer '1' (ReLU) cannot be carried; Conv2d, Linear"),
    "no neurons": (
        nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3)),
        "layer '0' (Linear) is followed by '1' (Linear), but",
    ),
    "no neurons at the end": (nn.Sequential(nn.Linear(4, 3)), "layer '0' (Linear) is followed by nothing"),
    "neurons alone": (nn.Sequential(leaky()), "layer '0' (Leaky) does not follow a convolution or"),
    "synaptic": (
        dense(snn.Synaptic(0.9, 0.8)),
        "layer '1' (Synaptic) cannot be carried: of snnTorch's",
    ),
    "recurrent": (dense(snn.RLeaky(0.9, linear_features=3)), "layer '1' (RLeaky) cannot be carried: of snnTorch's"),
    "norm of spikes": (nn.Sequential(*dense(), nn.BatchNorm1d(3)), "layer '2' (BatchNorm1d) does not follow"),
    "norm of a batch": (
        nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, track_running_stats=False), leaky()),
        "layer '1' (BatchNorm1d) keeps no running mean",
    ),
    "betas": (
        dense(beta=torch.tensor([0.1, 0.2, 0.3])),
        "layer '1' (Leaky): beta differs between neurons (0.1 to 0.3)",
    ),
    "thresholds": (dense(threshold=torch.tensor([1, 2.0, 1])), "layer '1' (Leaky): threshold differs between neurons"),
    "negative threshold": (dense(threshold=-1.0), "threshold of layer '1' (Leaky) must be above 0, got -1"),
    "graded": (dense(graded_spikes_factor=2.0), "layer '1' (Leaky): graded_spikes_factor=2 cannot be carried"),
    "state quantised": (dense(state_quant=lambda x: x), "layer '1' (Leaky): state_quant="),
    "no step": (dense(spike_grad=torch.sigmoid), "layer '1' (Leaky): its spike_grad is no step at the threshold"),
    "fires at threshold": (
        dense(spike_grad=lambda x: (x >= 0).float()),
        "layer '1' (Leaky): its spike_grad is no step",
    ),
    "hidden none": (
        nn.Sequential(*dense(reset_mechanism="none"), nn.Linear(3, 3), leaky()),
        "layer '1' (Leaky) has reset",
    ),
    "two resets": (
        nn.Sequential(*dense(reset_mechanism="zero"), nn.Linear(3, 3), leaky()),
        "the layers have resets zero (layer '1' (Leaky)) and subtract (layer '3' (Leaky)), but a network has one",
    ),
    "reset of a file": (
        with_reset(1),
        "layer '1' (Leaky) was made with reset_mechanism='subtract', which it runs, and",
    ),
    "border": (nn.Sequential(nn.ZeroPad2d((1, 1, 1, 0)), *conv()), "layer '0' (ZeroPad2d): padding=(1, 1, 1, 0)"),
    "lazy": (nn.Sequential(nn.LazyLinear(3), leaky()), "layer '0' (LazyLinear) cannot be carried: it has no size yet"),
    "wrapped": (
        nn.DataParallel(dense()),
        "layer DataParallel cannot be carried: it wraps the network; hand over its mod",
    ),
    "pruned": (pruned(), "layer '0' (Linear): its weight is computed anew at each call, by pruning"),
    "weight norm": (
        nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), leaky()),
        "layer '0' (ParametrizedLinear) cannot be carried: remove its parametrizations first",
    ),
    "spectral norm": (
        nn.Sequential(nn.utils.spectral_norm(nn.Linear(4, 3)), leaky()),
        "layer '0' (Linear): its weight is computed anew at each call",
    ),
    "meta": (dense().to("meta"), "layer '0' (Linear) is on the device meta, which holds no values"),
    "border of no convolution": (
        nn.Sequential(nn.ZeroPad2d(1), *dense()),
        "layer '0' (ZeroPad2d) is not followed by a",
    ),
}


@pytest.mark.parametrize("module, sentence", REFUSED.values(), ids=REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_carried_is_refused_by_name(module, sentence):
    with pytest.raises(InputError) as error:
        imported(module, (5, 5, 2) if next(iter(module.children())).__class__ is nn.Conv2d else None)
    assert str(error.value).startswith(sentence)


def test_inhibition_is_refused():
    with pytest.warns(UserWarning, match="unstable"):
        module = dense(inhibition=True)
    with pytest.raises(InputError, match="inhibition=True"):
        imported(module)


def test_a_module_with_a_parameter_of_its_own_is_refused():
    module = dense()
    module.gain = nn.Parameter(torch.ones(1))
    with pytest.raises(InputError, match="module Sequential has the parameter gain of its own"):
        imported(module)
    with pytest.raises(InputError, match="must be a torch.nn.Module, got Network"):
        imported(Network("3", (2,), rng=np.random.default_rng(0)))
    for given, words in ((dense().state_dict(), "a state_dict"), ("weights.pt", "a path")):
        with pytest.raises(InputError, match=f"got {words}; load a state_dict into its module first, or import its"):
            imported(given)


@pytest.mark.parametrize("wrong", [None, Network("3", (2,), rng=np.random.default_rng(0))])
def test_what_is_no_model_or_no_shape_is_told(wrong):
    for function in (ms.to_snntorch, lambda model: compare(model, dense(), np.ones((1, 4)))):
        with pytest.raises(InputError, match="^model must be a Model"):
            function(wrong)
    with pytest.raises(InputError, match="^input_shape must be .height, width, channels. or .length,., got 4"):
        imported(dense(), 4)


def test_beta_is_clamped_as_snntorch_does():
    module = dense(beta=1.25, threshold=0.3)
    model, [told] = imported(module.double())
    assert model.network.betas == (1.0,) and "is taken as 1" in told
    assert_equal_spikes(model, module, IMAGES.reshape(-1, 4))


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_models_become_networks_of_snntorch_and_come_back(reset):
    net = Network(
        "6C3-MP2-5C2-12-8",
        (9, 8, 2),
        beta=(0.9, 0.8, 0.7, 0.6),
        threshold=(1.0, 0.5, 0.75, 0.25),
        reset=reset,
        padding=(1, 0),
        pad_value=-0.5,
        surrogate="fast_sigmoid:10",
        dtype="float64",
        rng=np.random.default_rng(0),
    )
    net.layers[0].b[...] = 0.1
    images = np.random.default_rng(1).integers(0, 255, (20, 9, 8, 2), np.uint8)
    model = Model(net, Encoder("direct", STEPS, 255.0, (60.0, 60.0), (120.0, 120.0)))
    module = ms.to_snntorch(model)
    assert_equal_spikes(model, module, images)
    again, _ = imported(module, (9, 8, 2), input_scale=None, mean=60, std=120, surrogate="fast_sigmoid:10")
    assert again.network.config() == net.config()
    for first, second in zip(net.params, again.network.params):
        np.testing.assert_array_equal(first, second)


def test_a_pool_of_currents_is_exported_before_the_neurons():
    options = {"beta": 0.8, "reset": "subtract", "surrogate": "fast_sigmoid:10", "dtype": "float64"}
    net = Network("6C3MP2-5C2MP2-8", (10, 9, 2), padding=1, **options, rng=np.random.default_rng(0))
    model = Model(net, Encoder("direct", STEPS, 255.0, (0.0, 0.0), (90.0, 90.0)))
    module = ms.to_snntorch(model)
    assert [type(layer).__name__ for layer in module][:3] == ["Conv2d", "MaxPool2d", "Leaky"]
    images = np.random.default_rng(1).integers(0, 255, (20, 10, 9, 2), np.uint8)
    assert_equal_spikes(model, module, images)


def test_an_export_says_what_snntorch_does_otherwise():
    net = Network("4-3", (5,), reset="subtract_then_leak", surrogate="triangular:1", rng=np.random.default_rng(0))
    with pytest.warns(UserWarning) as caught:
        module = ms.to_snntorch(Model(net, Encoder("direct", STEPS)))
    told = [str(warning.message) for warning in caught]
    assert (
        len(told) == 2 and "reset_delay=False" in told[0] and told[1].startswith("the surrogate triangular:1 becomes")
    )
    assert not module[1].reset_delay
    net = Network("4C3-3", (5, 5, 2), padding=1, pad_value=(0.1, 0.2), rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="another value in each channel"):
        ms.to_snntorch(Model(net, Encoder("direct", STEPS, mean=(0, 0), std=(1, 1))))


def test_a_comparison_needs_the_same_layers_and_steps():
    model, _ = imported(dense())
    with pytest.raises(InputError, match="the module has 2 layers snn.Leaky, the model has 1"):
        compare(model, nn.Sequential(*dense(), *dense()), np.ones((1, 4)))

    class Twice(nn.Sequential):
        def forward(self, x):
            return super().forward(super().forward(x) @ torch.ones(3, 4))

    with pytest.raises(InputError, match="the module ran 2 time steps of an image, the model has 6"):
        compare(model, Twice(*dense()), np.ones((1, 4)))


def test_a_comparison_notices_a_wrong_weight_and_leaves_the_module_as_it_was():
    module = network().train()
    model, _ = imported(module, (8, 8, 1))
    model.network.layers[1].w[0, 0, 0, 0] += 1
    differ = [layer.differ for layer in compare(model, module, IMAGES)]
    assert differ[0] == 0 and all(differ[1:])
    assert module.training and module[1].training and not module[1]._forward_hooks


def test_a_border_that_gates_have_not_is_told_and_not_quantised():
    module = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), leaky(), nn.Flatten(), nn.Linear(192, 2), leaky())
    model, [told] = imported(module.double(), (8, 8, 1), mean=0.5, std=0.25)
    assert told.startswith("layer 1 3C3 pads with 0, which is no pixel of value 0 after the normalisation")
    assert_equal_spikes_somewhere(model, module)
    with pytest.raises(
        InputError, match="^the first layer pads its input with 0, but the hardware .* which are -2 after"
    ):
        ms.quantize(model, images=IMAGES)
    bordered = nn.Sequential(nn.ConstantPad2d(1, -2.0), nn.Conv2d(1, 3, 3), *module[1:])
    model, told = imported(bordered, (8, 8, 1), mean=0.5, std=0.25)
    assert not told and model.network.pad_value == (-2.0,)
    ms.quantize(model, images=IMAGES)


def assert_equal_spikes_somewhere(model, module):
    found = compare(model, module, IMAGES)
    assert sum(layer.differ for layer in found) == 0 < sum(layer.spikes for layer in found)


def test_further_training_keeps_the_scale_and_the_steps():
    data = ms.load_data("digits")
    module = nn.Sequential(nn.Linear(64, 10), leaky(0.9, reset_mechanism="none"))
    model, _ = imported(module, (8, 8, 1))
    tuned = fine_tune(model, data, 3, lr=0.02)
    assert tuned.encoder == model.encoder and tuned.encoder.std == (16.0,)
    assert ms.evaluate(tuned, data.x_test, data.y_test).accuracy > 0.5
