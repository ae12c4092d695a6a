"""The words of the accelerator's streams: a network in integers as a load, and frames as input."""


def load_words(network, spec, num_steps):
    """The beats of the load stream, as integers.

    Raises
    ------
    ValueError
        For a number of steps that cannot be loaded.
    """
    if not 1 <= num_steps <= spec.max_steps:
        raise ValueError(f"the number of steps must be 1 to {spec.max_steps} for this accelerator, got {num_steps}")
    sections = [[num_steps]]
    for each, layer_spec in zip(network.layers, spec.layers):
        sections += [weight_words(each, layer_spec), bias_words(each, layer_spec), [each.threshold]]
    mask = (1 << spec.load_bits) - 1
    return [
        word >> (beat * spec.load_bits) & mask
        for words, beats in zip(sections, spec.beats)
        for word in words
        for beat in range(beats)
    ]


def weight_words(each, spec):
    """The words of a layer's weight memory, as integers, in order of address: input, then group; the lanes' weights.

    With several taps a word has them all, tap (ky, kx) in place (-ky mod k)*k + (-kx mod k): turned by (y + p) mod k
    rows and (x + p) mod k columns, each stands before its bank.
    """
    if spec.taps == 1:
        w = (
            each.w.reshape(-1, each.w.shape[-1])
            if spec.flat
            else (each.w.transpose(2, 0, 1, 3).reshape(-1, each.w.shape[-1]))
        )  # rows (c, ky, kx)
        return cut(w, spec.lanes, spec.groups, spec.weight_bits)
    turned = [-i % spec.kernel for i in range(spec.kernel)]
    places = each.w[turned][:, turned].transpose(2, 0, 1, 3).reshape(-1, each.w.shape[-1])  # rows (c, place)
    words = cut(places, spec.lanes, spec.groups, spec.weight_bits)
    width = spec.lanes * spec.weight_bits
    return [
        sum(words[(c * spec.taps + place) * spec.groups + g] << place * width for place in range(spec.taps))
        for c in range(spec.in_channels)
        for g in range(spec.groups)
    ]


def bias_words(each, spec):
    """The words of a layer's bias memory."""
    return cut(each.b[None], spec.lanes, spec.groups, spec.bias_bits)


def frame_words(frame, spec):
    """The words of a frame of inputs (H, W, C) or (N,): spikes, or pixels of ``spec.input_bits`` bits."""
    rows = frame.reshape(spec.in_height * spec.in_width, spec.in_channels)
    return cut(rows, spec.in_lanes, -(-spec.in_channels // spec.in_lanes), max(spec.input_bits, 1))


def cut(rows, lanes, groups, bits):
    """Rows of numbers, cut into groups of lanes, lane 0 in the lowest bits; lanes without a number hold 0."""
    words, mask = [], (1 << bits) - 1
    for row in rows.tolist():
        row = row + [0] * (groups * lanes - len(row))
        words += [
            sum((value & mask) << (i * bits) for i, value in enumerate(row[g * lanes : (g + 1) * lanes]))
            for g in range(groups)
        ]
    return words


def image_words(inputs, image, spec):
    """The words of an image of `inputs` (1 or T, B, ...)."""
    return [word for frame in inputs[:, image] for word in frame_words(frame, spec.layers[0])]
