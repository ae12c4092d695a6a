"""Windows times weights: the four products behind `linear` and `conv2d`, dense and sparse.

All work on frames (F = T*B of them), channels last, and on weights as rows of output channels. Output
channels are cut into blocks of LANES, so that the sums of a block stay in registers while the inputs of its
window are walked in ascending address.

A silent input adds nothing. The sparse products list the spikes of a row of pixels once and add their
weights alone; they beat the dense ones up to a density of about one half. As 0*w and 1*w are exact, both
give the same bits.
"""

import numpy as np

from .simd import LANES, item, kernel, load, load_some, muladd, splat, store, store_some


@kernel
def dense(x, packed, bias, size, top, out, rest):
    """out[f, y, x] = bias + window of x at (y - top, x) times weights.

    x (F, H, W, C), its columns padded already, rows outside it count as 0; packed and bias from
    ``windows.blocks``; size of the window; out (F, h, w, M). Two pixels are summed side by side: eight chains
    of FMA keep the processor busy.
    """
    frames, height, width, channels = x.shape
    _, h, w, columns = out.shape
    x_flat, out_flat = x.reshape(-1), out.reshape(-1)
    for block in range(len(packed)):
        weights, count = packed[block].reshape(-1), columns - block * LANES
        for f in range(frames):
            for y in range(h):
                for x0 in range(0, w, 2):
                    x1 = min(x0 + 1, w - 1)  # an odd last pixel is computed twice
                    sum0 = load(bias, block * LANES)
                    sum1 = load(bias, block * LANES)
                    for ky in range(max(top - y, 0), min(size, height + top - y)):
                        row = (f * height + y + ky - top) * width
                        p0, p1 = (row + x0) * channels, (row + x1) * channels
                        q = ky * size * channels * LANES
                        for e in range(size * channels):  # (kx, c) in one: contiguous in x and in w
                            weight = load(weights, q + e * LANES)
                            sum0 = muladd(sum0, splat(x_flat, p0 + e), weight)
                            sum1 = muladd(sum1, splat(x_flat, p1 + e), weight)
                    o = ((f * h + y) * w + x0) * columns + block * LANES
                    store_some(out_flat, o, sum0, count, rest)
                    store_some(out_flat, o + (x1 - x0) * columns, sum1, count, rest)


@kernel
def sparse(spk, packed, bias, size, padding, out, spikes, first, rest):
    """The same for spikes 0/1, spk (F, H, W, C) uint8, not padded at all.

    Fills two lists of a frame: spikes (H, W*C + 1), of each row the x*C + c of its spikes, and first
    (H, W + 1), where in that list each pixel begins. One row of the window is added at a time, so that its
    weights stay in the nearest cache.
    """
    frames, height, width, channels = spk.shape
    _, h, w, columns = out.shape
    out_flat, spikes_flat, pitch = out.reshape(-1), spikes.reshape(-1), spikes.shape[1]
    for f in range(frames):
        for y in range(height):
            n = 0
            for x in range(width):
                first[y, x] = n
                for c in range(channels):
                    spikes[y, n] = x * channels + c
                    n += spk[f, y, x, c] != 0
            first[y, width] = n
        for block in range(len(packed)):
            weights, count = packed[block].reshape(-1), columns - block * LANES
            o = f * h * w * columns + block * LANES
            for pixel in range(h * w):
                store_some(out_flat, o + pixel * columns, load(bias, block * LANES), count, rest)
            for ky in range(size):
                for y in range(max(padding - ky, 0), min(h, height + padding - ky)):
                    row = y + ky - padding
                    for x in range(w):
                        left, right = min(max(x - padding, 0), width), max(min(x - padding + size, width), 0)
                        base = ((ky * size - x + padding) * channels) * LANES
                        total = load_some(out_flat, o + (y * w + x) * columns, count, rest)
                        for j in range(np.int64(first[row, left]), np.int64(first[row, right])):
                            total = total + load(weights, base + item(spikes_flat, row * pitch + j) * LANES)
                        store_some(out_flat, o + (y * w + x) * columns, total, count, rest)


@kernel
def dense_weights(x, dout, size, dw):
    """dw[ky, kx, c] += sum over frames and pixels of x[y + ky, x + kx, c] * dout[y, x].

    x (F, H, W, C) is padded already; dout (F, h, w, M') with M' a multiple of LANES; dw (k, k, C, M').
    """
    frames, height, width, channels = x.shape
    _, h, w, columns = dout.shape
    x_flat, d_flat, dw_flat = x.reshape(-1), dout.reshape(-1), dw.reshape(-1)
    length = size * channels
    for f in range(frames):
        for ky in range(size):
            for e0 in range(0, length, 2):
                e1 = min(e0 + 1, length - 1)
                for block in range(columns // LANES):
                    o0 = (ky * length + e0) * columns + block * LANES
                    o1 = (ky * length + e1) * columns + block * LANES
                    sum0 = load(dw_flat, o0)
                    sum1 = load(dw_flat, o1)
                    for y in range(h):
                        p = (f * height + y + ky) * width * channels
                        d = (f * h + y) * w * columns + block * LANES
                        for x0 in range(w):
                            gradient = load(d_flat, d + x0 * columns)
                            sum0 = muladd(sum0, splat(x_flat, p + x0 * channels + e0), gradient)
                            sum1 = muladd(sum1, splat(x_flat, p + x0 * channels + e1), gradient)
                    store(dw_flat, o1, sum1)
                    store(dw_flat, o0, sum0)


@kernel
def sparse_weights(spk, dout, size, padding, dw, taps, pixels, first):
    """The same for spikes 0/1, spk (F, H, W, C) uint8, not padded.

    dout (F, h, W + k - 1, M') has a border of k - 1 - p columns of zeros on the left, the rest on the right:
    the output that a spike at (y, x) reaches through (ky, kx) is at (y + p - ky, x + k - 1 - kx) in it.
    taps (k * M'/LANES, 2) are the pairs of a kx and a block of columns, by what they add to an index of dout
    and of dw; three of them are summed side by side. Fills two lists of a frame: pixels (C, H*W + 1), of each
    channel where its spikes are, and first (C, H + 1), where in that list each row begins.
    """
    frames, height, width, channels = spk.shape
    _, h, d_width, columns = dout.shape
    d_flat, dw_flat, pixels_flat, pitch = dout.reshape(-1), dw.reshape(-1), pixels.reshape(-1), pixels.shape[1]
    for f in range(frames):
        for c in range(channels):
            first[c, 0] = 0
        for y in range(height):
            for c in range(channels):
                first[c, y + 1] = first[c, y]
            for x in range(width):
                for c in range(channels):
                    pixels[c, first[c, y + 1]] = y * d_width + x + size - 1
                    first[c, y + 1] += spk[f, y, x, c] != 0
        for c in range(channels):
            for ky in range(size):
                start = np.int64(first[c, min(max(ky - padding, 0), height)])
                end = np.int64(first[c, max(min(ky - padding + h, height), 0)])
                if start >= end:
                    continue
                frame = (f * h + padding - ky) * d_width * columns
                target = (ky * size * channels + c) * columns
                for n0 in range(0, len(taps), 3):  # what is left over of three is computed twice
                    n1, n2 = min(n0 + 1, len(taps) - 1), min(n0 + 2, len(taps) - 1)
                    d0, d1, d2 = frame + taps[n0, 0], frame + taps[n1, 0], frame + taps[n2, 0]
                    o0, o1, o2 = target + taps[n0, 1], target + taps[n1, 1], target + taps[n2, 1]
                    sum0, sum1, sum2 = load(dw_flat, o0), load(dw_flat, o1), load(dw_flat, o2)
                    for j in range(start, end):
                        at = item(pixels_flat, c * pitch + j) * columns
                        sum0 = sum0 + load(d_flat, d0 + at)
                        sum1 = sum1 + load(d_flat, d1 + at)
                        sum2 = sum2 + load(d_flat, d2 + at)
                    store(dw_flat, o2, sum2)
                    store(dw_flat, o1, sum1)
                    store(dw_flat, o0, sum0)
