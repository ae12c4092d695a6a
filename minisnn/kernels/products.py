"""Windows times weights: the four products behind `linear` and `conv2d`, dense and sparse.

All work on frames (F = T*B of them), channels last, and on weights as rows of output channels. Output
channels are cut into blocks of LANES, so that the sums of a block stay in registers while the inputs of its
window are walked in ascending address.

A silent input adds nothing. The sparse products list the spikes of a row of pixels once and add their
weights alone; they beat the dense ones up to a density of about one half. As 0*w and 1*w are exact, both
give the same bits.
"""

import numpy as np
from numba import njit

from .simd import LANES, add, load, muladd, splat, store


@njit(nogil=True, cache=True)
def _copy_lanes(source, target, start, count):
    for i in range(count):
        target[start + i] = source[i]


@njit(nogil=True, cache=True)
def dense(x, packed, bias, kernel, out):
    """out[f, y, x] = bias + window of x at (y, x) times weights.

    x (F, H, W, C) is padded already; packed, bias as from :func:`blocks`; out (F, h, w, M). Two pixels are
    summed side by side: eight chains of FMA are what the processor needs to be busy.
    """
    frames, height, width, channels = x.shape
    _, h, w, columns = out.shape
    x_flat, out_flat, rest = x.reshape(-1), out.reshape(-1), np.empty(LANES, out.dtype)
    for block in range(len(packed)):
        weights, lanes = packed[block].reshape(-1), min(LANES, columns - block * LANES)
        for f in range(frames):
            for y in range(h):
                for x0 in range(0, w, 2):
                    x1 = min(x0 + 1, w - 1)  # an odd last pixel is computed twice
                    sum0 = load(bias, block * LANES)
                    sum1 = load(bias, block * LANES)
                    for ky in range(kernel):
                        row = (f * height + y + ky) * width
                        p0, p1 = (row + x0) * channels, (row + x1) * channels
                        q = ky * kernel * channels * LANES
                        for e in range(kernel * channels):  # (kx, c) in one: contiguous in x and in w
                            weight = load(weights, q + e * LANES)
                            sum0 = muladd(sum0, splat(x_flat, p0 + e), weight)
                            sum1 = muladd(sum1, splat(x_flat, p1 + e), weight)
                    o0 = ((f * h + y) * w + x0) * columns + block * LANES
                    o1 = ((f * h + y) * w + x1) * columns + block * LANES
                    if lanes == LANES:
                        store(out_flat, o0, sum0)
                        store(out_flat, o1, sum1)
                    else:
                        store(rest, 0, sum0)
                        _copy_lanes(rest, out_flat, o0, lanes)
                        store(rest, 0, sum1)
                        _copy_lanes(rest, out_flat, o1, lanes)


@njit(nogil=True, cache=True)
def sparse(spk, packed, bias, kernel, padding, out):
    """The same for spikes 0/1, spk (F, H, W, C) uint8, not padded."""
    frames, height, width, channels = spk.shape
    _, h, w, columns = out.shape
    out_flat, rest = out.reshape(-1), np.empty(LANES, out.dtype)
    spikes = np.empty((height, width * channels + 1), np.int32)  # of each row: x*C + c of its spikes,
    first = np.empty((height, width + 1), np.int32)              # and where in that list each pixel begins
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
            weights, lanes = packed[block].reshape(-1), min(LANES, columns - block * LANES)
            for y in range(h):
                for x in range(w):
                    total = load(bias, block * LANES)
                    left, right = min(max(x - padding, 0), width), max(min(x - padding + kernel, width), 0)
                    for ky in range(max(padding - y, 0), min(kernel, height + padding - y)):
                        row = y + ky - padding
                        base = ky * kernel * channels - (x - padding) * channels
                        for j in range(first[row, left], first[row, right]):
                            total = add(total, load(weights, (base + spikes[row, j]) * LANES))
                    o = ((f * h + y) * w + x) * columns + block * LANES
                    if lanes == LANES:
                        store(out_flat, o, total)
                    else:
                        store(rest, 0, total)
                        _copy_lanes(rest, out_flat, o, lanes)


@njit(nogil=True, cache=True)
def dense_weights(x, dout, kernel, dw):
    """dw[ky, kx, c] = sum over frames and pixels of x[y + ky, x + kx, c] * dout[y, x].

    x (F, H, W, C) is padded already; dout (F, h, w, M') with M' a multiple of LANES; dw (k, k*C, M').
    """
    frames, height, width, channels = x.shape
    _, h, w, columns = dout.shape
    x_flat, d_flat, dw_flat = x.reshape(-1), dout.reshape(-1), dw.reshape(-1)
    row_length = kernel * channels
    for f in range(frames):
        for ky in range(kernel):
            for e0 in range(0, row_length, 2):
                e1 = min(e0 + 1, row_length - 1)
                for block in range(columns // LANES):
                    o0 = (ky * row_length + e0) * columns + block * LANES
                    o1 = (ky * row_length + e1) * columns + block * LANES
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


@njit(nogil=True, cache=True)
def sparse_weights(spk, dout, kernel, dw):
    """The same for spikes 0/1, spk (F, H, W, C) uint8, not padded.

    dout (F, H + k - 1, W + k - 1, M') has a border of zeros: the pixel of output that a spike at (y, x)
    reaches through (ky, kx) is at (y + k - 1 - ky, x + k - 1 - kx) in it; see conv2d.
    """
    frames, height, width, channels = spk.shape
    _, d_height, d_width, columns = dout.shape
    d_flat, dw_flat = dout.reshape(-1), dw.reshape(-1)
    pixels = np.empty((channels, height * width + 1), np.int32)  # of each channel: where its spikes are
    count = np.empty(channels, np.int32)
    for f in range(frames):
        count[:] = 0
        for y in range(height):
            for x in range(width):
                for c in range(channels):
                    pixels[c, count[c]] = (y + kernel - 1) * d_width + x + kernel - 1
                    count[c] += spk[f, y, x, c] != 0
        for c in range(channels):
            if count[c] == 0:
                continue
            for ky in range(kernel):
                for kx in range(kernel):
                    base = f * d_height * d_width - ky * d_width - kx
                    for block in range(columns // LANES):
                        o = ((ky * kernel + kx) * channels + c) * columns + block * LANES
                        total = load(dw_flat, o)
                        for j in range(count[c]):
                            total = add(total, load(d_flat, (base + pixels[c, j]) * columns + block * LANES))
                        store(dw_flat, o, total)
