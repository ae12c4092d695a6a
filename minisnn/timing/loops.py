"""The compiled loops of the cycle model.

Each line that follows states when a register of ``hw/`` changes; the blocks are ``hw/spike_scanner.py``,
``hw/parts/stages.py``, ``hw/layer_control.py`` and ``hw/send_answer.py``.
"""

import numpy as np

from ..fixed.early_exit import NEVER
from ..fixed.jit import kernel

READY = 5  # cycles from the last firing of a pass to the last word that it writes
DRAINED = 6  # cycles from the last firing of a pass to the start of the next, at least
LATEST = np.int64(1) << 62  # after all cycles
LATER = 2  # cycles added to READY for a layer that takes pixels, and for one that adds several taps at once

HANDED, FIRST, COUNT = range(3)  # columns of a log of additions


@kernel
def additions(frame, in_lanes, kernel_size, padding, out_height, out_width, groups, flat, taps, log):
    """Return (cycles, adds, inputs, zero_words) of one frame, in cycles since the begin of its step.

    Parameters
    ----------
    frame : ndarray of unsigned integers, shape (H, W, C)
        The frame that the layer takes.
    in_lanes : int
        Inputs in a word: a part of a pixel, or whole pixels of a row.
    kernel_size, padding, out_height, out_width : int
        Shapes of a convolution.
    groups : int
        Groups of lanes.
    flat : bool
        A fully connected layer.
    taps : int
        Taps that are added at once: 1, kernel_size or kernel_size**2.
    log : ndarray of int64, shape (inputs, 3), or (0, 3)
        Out, for each input: the cycle in which the scanner hands it over, the cycle of its first addition, and the
        number of its additions, one per cycle.

    Returns
    -------
    cycles, adds, inputs, zero_words : int
        Cycles until all is added; cycles with an addition; inputs; words without an input.
    """
    height, width, channels = frame.shape
    pixels = max(in_lanes // channels, 1)
    fetched, taken = 1, 1  # cycle in which the present word is fetched, and in which it becomes the present one
    # Cycles of the previous input: handed over by the scanner, moved to the second stage, loaded to be walked through
    # (neuron after neuron, one addition per cycle), and the cycle of its last addition.
    handed, moved, loaded, ends = 0, 0, 0, 0
    adds, inputs, zero_words = 0, 0, 0
    for y in range(height):
        rows = min(kernel_size, y + padding + 1) - max(y + padding - out_height + 1, 0)
        for first_x in range(0, width, pixels):
            for start in range(0, channels, in_lanes):
                taken = fetched + 1
                offered = 0
                for x in range(first_x, min(first_x + pixels, width)):
                    columns = min(kernel_size, x + padding + 1) - max(x + padding - out_width + 1, 0)
                    turns_down, turns_across = max(rows, 0), max(columns, 0)
                    if taps > 1:  # those of a row at once
                        turns_across = min(turns_across, 1)
                    if taps > kernel_size:
                        turns_down = min(turns_down, 1)
                    cost = groups if flat else turns_down * turns_across * groups
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
                            log[inputs, HANDED], log[inputs, FIRST], log[inputs, COUNT] = handed, loaded + 1, cost
                        inputs += 1
                if offered == 0:
                    zero_words += 1
                fetched = taken
    return max(max(taken, handed), ends) + 1, adds, inputs, zero_words


@kernel
def additions_of_frames(
    frames,
    in_lanes,
    kernel_size,
    padding,
    out_height,
    out_width,
    groups,
    flat,
    taps,
    cycles,
    adds,
    inputs,
    zero_words,
):
    """Run ``additions`` on frames (T, B, H, W, C); the last four arguments are its results, (B, T)."""
    no_log = np.empty((0, 3), np.int64)
    for t in range(frames.shape[0]):
        for image in range(frames.shape[1]):
            cycles[image, t], adds[image, t], inputs[image, t], zero_words[image, t] = additions(
                frames[t, image], in_lanes, kernel_size, padding, out_height, out_width, groups, flat, taps, no_log
            )


@kernel
def pipeline(
    adding,
    depths,
    banked,
    pixels,
    second_bank,
    in_words,
    word_every,
    answer,
    looks,
    last_steps,
    alone,
    overhead,
    events,
    moments,
):
    """Fill in when every step of every layer begins and ends: a max-plus recurrence over (step, layer).

    Parameters
    ----------
    adding : ndarray of int64, shape (B, L, T)
        Cycles from the begin of a step until all is added; of a layer of pixels only at step 0.
    depths : ndarray of int64, shape (L,)
        Cycles of a firing pass.
    banked : ndarray of bool, shape (L,)
        Layers that add several taps at once.
    pixels : bool
        The first layer takes pixels.
    second_bank : bool
        It has a second bank of currents: it adds an image's pixels while the image before fires.
    in_words, word_every : int
        Words of a frame of the input stream, and the cycles from one to the next.
    answer : int
        Cycles from the last word of the last layer to the last beat of the answer.
    looks : bool
        The answer is looked at after every step, because there is a margin.
    last_steps : ndarray of int64, shape (B,)
        Number, from 1, of the step after which each image is answered.
    alone : bool
        Each image enters an empty accelerator, at its cycle 0; else it enters as soon as it is taken.
    overhead : bool
        False for the bound: firing passes and additions with nothing between them.
    events : ndarray of int64, shape (4, B, L, T)
        Out: the cycles of the `events` of ``hw/layer.py``; NEVER for those that a dropped image does not have.
    moments : ndarray of int64, shape (4, B)
        Out: the cycles of an image's first word, and of its answer's last beat; the cycle from which on an image that
        is answered before its last step is dropped, and the one in which its answer is sent and nothing of it is left.
        For any other image these two are the cycle of the answer's last beat.
    """
    begins, added, firing_starts, ends = events[0], events[1], events[2], events[3]
    first, last, decided, over = moments[0], moments[1], moments[2], moments[3]
    images, layers, steps = adding.shape
    o = 1 if overhead else 0
    end = np.zeros(layers, np.int64)  # of the last firing pass
    free = np.zeros(layers, np.int64)  # cycle from which on a step may begin
    emptied = np.int64(0)  # cycle from which on the second bank, with the image before, is free
    given_back = np.zeros((layers, 2), np.int64)  # of the last two frames: the earlier is at 0
    for image in range(images):
        if alone or image == 0:  # nothing has happened before cycle 0
            end[:], free[:], given_back[:], word_taken, ended = -DRAINED, -DRAINED, -1, -word_every, -1
            emptied = np.int64(-DRAINED)
        drops = LATEST  # cycle from which on the image is dropped
        complete, sent = np.int64(0), np.int64(0)
        closes = False  # this step is the image's last
        for t in range(steps):
            begins[image, :, t], added[image, :, t] = NEVER, NEVER
            firing_starts[image, :, t], ends[image, :, t] = NEVER, NEVER
            if closes:
                continue
            closes = t == steps - 1
            filled = np.int64(0)
            if t == 0 or not pixels:
                taken = max(word_taken + word_every, min(given_back[0, 0] + 1, LATEST if closes else drops))
                if t == 0:
                    first[image] = taken
                word_taken = taken + (in_words - 1) * word_every
                if taken >= drops and not closes:
                    continue
                filled = word_taken + o
            for layer in range(layers):
                takes_pixels = pixels and layer == 0
                constant = takes_pixels and t > 0
                late = o if banked[layer] and not takes_pixels else 0  # with banks sums are written a cycle later
                start = end[layer] - o + DRAINED * o + late
                if not constant:
                    begin = max(filled, free[layer])
                    all_added = begin + adding[image, layer, t]
                    if all_added > drops:
                        all_added = max(begin, drops) + 1
                    begins[image, layer, t], added[image, layer, t] = begin, all_added
                    start = max(start, all_added)
                    given_back[layer, 0], given_back[layer, 1] = given_back[layer, 1], added[image, layer, t]
                if layer < layers - 1:
                    start = max(start, given_back[layer + 1, 0] + o)
                elif t == 0:
                    start = max(start, ended + o)
                elif looks:
                    start = max(start, complete + (answer + 1) * o)
                if start >= drops and not closes:
                    if not takes_pixels:
                        free[layer] = max(all_added, drops) + 1
                        break
                    closes = True
                if constant:  # idle until it can fire
                    begins[image, layer, t], added[image, layer, t] = start, start
                firing_starts[image, layer, t] = start
                end[layer] = start + depths[layer] + o
                ends[image, layer, t], free[layer] = end[layer], end[layer] + late
                filled = start + depths[layer] + (READY + LATER * (int(banked[layer]) + int(takes_pixels)) + 1) * o
                if layer == layers - 1:
                    complete = filled - o
                    if t == last_steps[image] - 1:
                        sent = complete + answer * o
                        if not closes:
                            drops = sent + 1
                            sent += (answer - 1) * o
        if second_bank:  # the next image is added in the other bank, which the image before has left
            emptied, free[0] = free[0], max(emptied, added[image, 0, 0] + o)
        ended = max(sent, complete)
        last[image], over[image] = sent, ended
        decided[image] = min(drops, sent)
