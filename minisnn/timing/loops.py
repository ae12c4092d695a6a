"""The clock cycles of the accelerator, from what it is fed: the same plain loops as the integers.

Each line that follows states when a register of ``hw/`` changes; ``hw/spike_scanner.py``, ``hw/parts/stages.py``,
``hw/layer.py`` and ``hw/scores.py`` are what they describe.
"""

import numpy as np

from ..fixed.jit import kernel

READY = 5  # cycles from the last firing to the last word
SETTLED = 6  # cycles from the last firing of a pass to the start of the next, at least
LATER = 2  # pixels, and several taps at once, are later by so much each


@kernel
def additions(frame, in_lanes, kernel_size, padding, out_height, out_width, groups, flat, wide, log):
    """From the begin of a step until all is added.

    Parameters
    ----------
    frame : ndarray of unsigned integers, shape (H, W, C)
        What the layer takes; what is not 0 costs cycles.
    in_lanes : int
        Inputs in a word.
    kernel_size, padding, out_height, out_width : int
        Of a convolution.
    groups : int
        Groups of lanes.
    flat, wide : bool
        A fully connected layer; a convolution that adds all taps at once.
    log : ndarray of int64, shape (inputs, 3), or (0, 3)
        Out, of each input that is not 0, in cycles since the begin of the step: the one in which the scanner hands it
        over, that of its first addition, and how many additions there are, one a cycle.

    Returns
    -------
    cycles, adds, inputs, zero_words : int
        Cycles from the begin of the step to the end of its additions; cycles with an addition; inputs that are not 0;
        words without such.

    Examples
    --------
    A fully connected layer with 2 groups of lanes: each of 3 spikes, in words of 4 inputs, takes 2 additions. They
    follow one another without a gap, the first 6 cycles after the begin:

    >>> frame, log = np.array([0, 1, 0, 1, 0, 0, 0, 1], np.uint8).reshape(1, 1, 8), np.zeros((3, 3), np.int64)
    >>> additions(frame, 4, 1, 0, 1, 1, 2, True, False, log)
    (12, 6, 3, 0)
    >>> log.tolist()
    [[3, 6, 2], [4, 8, 2], [5, 10, 2]]

    Two words of zeros cost a cycle each, and two to fill and to end:

    >>> additions(0 * frame, 4, 1, 0, 1, 1, 2, True, False, log[:0])
    (4, 0, 0, 2)
    """
    height, width, channels = frame.shape
    fetched, taken = 1, 1  # cycle in which the present word is fetched, and in which it becomes the present one
    handed, moved, loaded, ends = 0, 0, 0, 0  # of the input before: to stage 1, to stage 2, to the walk; its last add
    adds, inputs, zero_words = 0, 0, 0
    for y in range(height):
        rows = min(kernel_size, y + padding + 1) - max(y + padding - out_height + 1, 0)
        for x in range(width):
            columns = min(kernel_size, x + padding + 1) - max(x + padding - out_width + 1, 0)
            cost = groups if flat else max(rows, 0) * max(columns, 0) * groups
            if wide:
                cost = min(cost, groups)
            for start in range(0, channels, in_lanes):
                taken = fetched + 1
                offered = 0
                for c in range(start, min(start + in_lanes, channels)):
                    if frame[y, x, c] == 0:
                        continue
                    if offered == 0:
                        taken = max(taken, handed)
                        offered = taken + 1
                    handed = max(offered, moved)
                    offered = handed + 1
                    if cost > 0:
                        moved = max(handed + 1, loaded)
                        loaded = max(moved + 1, ends)
                        ends = loaded + cost
                        adds += cost
                    if len(log) > 0:
                        log[inputs, 0], log[inputs, 1], log[inputs, 2] = handed, loaded + 1, cost
                    inputs += 1
                if offered == 0:
                    zero_words += 1
                fetched = taken
    return max(max(taken, handed), ends) + 1, adds, inputs, zero_words


@kernel
def additions_of_frames(frames, in_lanes, kernel_size, padding, out_height, out_width, groups, flat, wide, result):
    """``additions`` of frames (T, B, H, W, C), into result (4, B, T).

    Examples
    --------
    One step of two images, the second dark: cycles, cycles with an addition, inputs, words of zeros.

    >>> frames, result = np.zeros((1, 2, 1, 1, 4), np.uint8), np.zeros((4, 2, 1), np.int64)
    >>> frames[0, 0, 0, 0] = 0, 1, 0, 1
    >>> additions_of_frames(frames, 4, 1, 0, 1, 1, 2, True, False, result)
    >>> result[:, :, 0].T.tolist()
    [[10, 4, 2, 0], [3, 0, 0, 1]]
    """
    no_log = np.empty((0, 3), np.int64)
    for t in range(frames.shape[0]):
        for image in range(frames.shape[1]):
            cycles, adds, inputs, zero_words = additions(
                frames[t, image], in_lanes, kernel_size, padding, out_height, out_width, groups, flat, wide, no_log
            )
            result[0, image, t], result[1, image, t] = cycles, adds
            result[2, image, t], result[3, image, t] = inputs, zero_words


@kernel
def pipeline(
    adding,
    depths,
    wide,
    pixels,
    in_words,
    word_every,
    answer,
    alone,
    overhead,
    begins,
    added,
    firing_starts,
    ends,
    first,
    last,
):
    """When every layer begins and ends every step: a max-plus recurrence over (step, layer).

    Parameters
    ----------
    adding : ndarray of int64, shape (B, L, T)
        Cycles from the begin of a step until all is added; of a layer of pixels, at step 0 alone.
    depths : ndarray of int64, shape (L,)
        Cycles of a firing pass.
    wide : ndarray of bool, shape (L,)
        Layers that add all taps at once.
    pixels : bool
        The first layer takes pixels.
    in_words, word_every : int
        Words of a frame of the input stream, and the cycles from one to the next.
    answer : int
        Cycles from the last word of the last layer to the last beat of the answer.
    alone : bool
        Each image enters an empty accelerator, at its cycle 0; else as soon as it is taken.
    overhead : bool
        False for the bound: firing passes and additions alone, with nothing between them.
    begins, added, firing_starts, ends : ndarray of int64, shape (B, L, T)
        Out: the cycles of `events` of ``hw/layer.py``.
    first, last : ndarray of int64, shape (B,)
        Out: the cycles in which an image's first word is taken, and its answer's last beat.

    Examples
    --------
    Two layers, 3 steps; adding takes 10 and 4 cycles a step, firing 2 and 1. Without overhead the slow layer's
    3 * (10 + 2) = 36 cycles decide, for the other's last 4 + 1 alone come after them. Begin and end of the last step,
    by layer, and the end of all:

    >>> adding = np.array([[[10, 10, 10], [4, 4, 4]]])
    >>> for overhead in (False, True):
    ...     events = [np.zeros((1, 2, 3), np.int64) for _ in range(4)]
    ...     first, last = np.zeros(1, np.int64), np.zeros(1, np.int64)
    ...     pipeline(adding, np.array([2, 1]), np.array([False, False]), False, 1, 1, 8, True, overhead, *events,
    ...              first, last)
    ...     print(events[0][0, :, 2].tolist(), events[3][0, :, 2].tolist(), last.item())
    [24, 36] [36, 41] 41
    [27, 45] [40, 51] 63
    """
    images, layers, steps = adding.shape
    o = 1 if overhead else 0
    end = np.zeros(layers, np.int64)  # of the step before
    given_back = np.zeros((layers, 2), np.int64)  # of the last two frames: the earlier is at 0
    for image in range(images):
        if alone or image == 0:  # nothing has happened before cycle 0
            end[:], given_back[:], word_taken, sent = -SETTLED, -1, -word_every, -1
        for t in range(steps):
            filled = np.int64(0)
            if t == 0 or not pixels:
                taken = max(word_taken + word_every, given_back[0, 0] + 1)
                if t == 0:
                    first[image] = taken
                word_taken = taken + (in_words - 1) * word_every
                filled = word_taken + o
            for layer in range(layers):
                takes_pixels = pixels and layer == 0
                constant = takes_pixels and t > 0
                late = o if wide[layer] and not takes_pixels else 0  # its sums are written a cycle later than read
                fire = end[layer] - o + SETTLED * o + late
                if not constant:
                    begin = max(filled, end[layer] + late)
                    added[image, layer, t] = begin + adding[image, layer, t]
                    fire = max(fire, added[image, layer, t])
                    given_back[layer, 0], given_back[layer, 1] = given_back[layer, 1], added[image, layer, t]
                if layer < layers - 1:
                    fire = max(fire, given_back[layer + 1, 0] + o)
                elif t == 0:
                    fire = max(fire, sent + o)
                if constant:
                    begin = fire
                    added[image, layer, t] = fire
                begins[image, layer, t], firing_starts[image, layer, t] = begin, fire
                end[layer] = fire + depths[layer] + o
                ends[image, layer, t] = end[layer]
                filled = fire + depths[layer] + (READY + LATER * (int(wide[layer]) + int(takes_pixels)) + 1) * o
        sent = filled - o + answer * o
        last[image] = sent
