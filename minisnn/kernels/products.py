"""Windows times weights: the four products behind `linear` and `conv2d`, dense and sparse.

All work on frames (F = T*B of them), channels last, and on weights as rows of output channels. Output channels are cut
into blocks of WIDTH, so that the sums of a block stay in registers while the inputs of its window are walked in
ascending address.

A silent input adds nothing. The sparse products list the spikes of a row of pixels once and add only their weights;
they beat the dense ones up to a density of about one half. As 0*w and 1*w are exact, both give the same bits.
"""

import numpy as np

from .simd import WIDTH, item, kernel, load, load_some, muladd, splat, store, store_some


@kernel
def dense(x, packed, bias, top, left, out, rest):
    """Compute out[f, y, x] = bias + window of x at (y - top, x - left) times weights; outside its frame x is 0.

    x (F, H, W, C); packed (blocks, k, k, C, WIDTH) and bias from ``windows``; out (F, h, w, M). Four frames are summed
    side by side: eight chains of FMA keep the processor busy.
    """
    frames, height, width, channels = x.shape
    _, h, w, columns = out.shape
    blocks, size = packed.shape[:2]
    x_flat, out_flat, frame = x.reshape(-1), out.reshape(-1), height * width * channels
    for block in range(blocks):
        weights, count = packed[block].reshape(-1), columns - block * WIDTH
        for f0 in range(0, frames, 4):  # what is left over of four is computed again
            f1, f2, f3 = min(f0 + 1, frames - 1), min(f0 + 2, frames - 1), min(f0 + 3, frames - 1)
            for y in range(h):
                for x0 in range(w):
                    kx0, kx1 = max(left - x0, 0), min(size, width + left - x0)
                    sum0 = load(bias, block * WIDTH)
                    sum1, sum2, sum3 = sum0, sum0, sum0
                    for ky in range(max(top - y, 0), min(size, height + top - y)):
                        p = ((y + ky - top) * width + x0 - left) * channels
                        p0, p1, p2, p3 = f0 * frame + p, f1 * frame + p, f2 * frame + p, f3 * frame + p
                        q = ky * size * channels * WIDTH
                        for e in range(kx0 * channels, kx1 * channels):  # (kx, c) in one: contiguous in x and in w
                            weight = load(weights, q + e * WIDTH)
                            sum0 = muladd(sum0, splat(x_flat, p0 + e), weight)
                            sum1 = muladd(sum1, splat(x_flat, p1 + e), weight)
                            sum2 = muladd(sum2, splat(x_flat, p2 + e), weight)
                            sum3 = muladd(sum3, splat(x_flat, p3 + e), weight)
                    o = (y * w + x0) * columns + block * WIDTH
                    store_some(out_flat, f0 * h * w * columns + o, sum0, count, rest)
                    store_some(out_flat, f1 * h * w * columns + o, sum1, count, rest)
                    store_some(out_flat, f2 * h * w * columns + o, sum2, count, rest)
                    store_some(out_flat, f3 * h * w * columns + o, sum3, count, rest)


@kernel
def sparse(spk, packed, bias, padding, out, spikes, first, rest):
    """Compute the same for spikes 0/1, spk (F, H, W, C) uint8, with equal padding above and at the left.

    Fills two lists of a frame: spikes (H, W*C + 1), the x*C + c of each row's spikes, and first (H, W + 1), where each
    pixel begins in that list. Two pixels are summed side by side, and one row of the window is added at a time, so that
    its weights stay in the nearest cache.
    """
    frames, height, width, channels = spk.shape
    _, h, w, columns = out.shape
    blocks, size = packed.shape[:2]
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
        for block in range(blocks):
            weights, count = packed[block].reshape(-1), columns - block * WIDTH
            o = f * h * w * columns + block * WIDTH
            for pixel in range(h * w):
                store_some(out_flat, o + pixel * columns, load(bias, block * WIDTH), count, rest)
            for ky in range(size):
                for y in range(max(padding - ky, 0), min(h, height + padding - ky)):
                    row = y + ky - padding
                    for x0 in range(0, w, 2):
                        x1 = min(x0 + 1, w - 1)  # an odd last pixel is computed twice
                        left0, right0 = min(max(x0 - padding, 0), width), max(min(x0 - padding + size, width), 0)
                        left1, right1 = min(max(x1 - padding, 0), width), max(min(x1 - padding + size, width), 0)
                        j0, j1 = np.int64(first[row, left0]), np.int64(first[row, left1])
                        n0, n1 = first[row, right0] - j0, first[row, right1] - j1
                        j0, j1 = row * pitch + j0, row * pitch + j1
                        base0 = (ky * size - x0 + padding) * channels * WIDTH
                        base1 = (ky * size - x1 + padding) * channels * WIDTH
                        o0, o1 = o + (y * w + x0) * columns, o + (y * w + x1) * columns
                        total0 = load_some(out_flat, o0, count, rest)
                        total1 = load_some(out_flat, o1, count, rest)
                        both = max(min(n0, n1), 0)
                        for j in range(both):
                            total0 = total0 + load(weights, base0 + item(spikes_flat, j0 + j) * WIDTH)
                            total1 = total1 + load(weights, base1 + item(spikes_flat, j1 + j) * WIDTH)
                        for j in range(both, n0):
                            total0 = total0 + load(weights, base0 + item(spikes_flat, j0 + j) * WIDTH)
                        for j in range(both, n1):
                            total1 = total1 + load(weights, base1 + item(spikes_flat, j1 + j) * WIDTH)
                        store_some(out_flat, o1, total1, count, rest)
                        store_some(out_flat, o0, total0, count, rest)


@kernel
def dense_weights(x, dout, size, dw):
    """Add to dw[ky, kx, c] the sum over frames and pixels of x[y + ky, x + kx, c] * dout[y, x].

    x (F, H, W, C) is padded already; dout (F, h, w, M') with M' a multiple of WIDTH; dw (k, k, C, M').
    """
    frames, height, width, channels = x.shape
    _, h, w, columns = dout.shape
    x_flat, d_flat, dw_flat = x.reshape(-1), dout.reshape(-1), dw.reshape(-1)
    length = size * channels
    for f in range(frames):
        for ky in range(size):
            for e0 in range(0, length, 4):  # what is left over of four is computed again
                e1, e2, e3 = min(e0 + 1, length - 1), min(e0 + 2, length - 1), min(e0 + 3, length - 1)
                for block in range(columns // WIDTH):
                    o = ky * length * columns + block * WIDTH
                    sum0, sum1 = load(dw_flat, o + e0 * columns), load(dw_flat, o + e1 * columns)
                    sum2, sum3 = load(dw_flat, o + e2 * columns), load(dw_flat, o + e3 * columns)
                    for y in range(h):
                        p = (f * height + y + ky) * width * channels
                        d = (f * h + y) * w * columns + block * WIDTH
                        for x0 in range(w):
                            gradient, pixel = load(d_flat, d + x0 * columns), p + x0 * channels
                            sum0 = muladd(sum0, splat(x_flat, pixel + e0), gradient)
                            sum1 = muladd(sum1, splat(x_flat, pixel + e1), gradient)
                            sum2 = muladd(sum2, splat(x_flat, pixel + e2), gradient)
                            sum3 = muladd(sum3, splat(x_flat, pixel + e3), gradient)
                    store(dw_flat, o + e3 * columns, sum3)
                    store(dw_flat, o + e2 * columns, sum2)
                    store(dw_flat, o + e1 * columns, sum1)
                    store(dw_flat, o + e0 * columns, sum0)


@kernel
def sparse_weights(spk, dout, size, padding, dw, taps, pixels, first):
    """Compute the same for spikes 0/1, spk (F, H, W, C) uint8, not padded.

    dout (F, h, W + k - 1, M') has a border of k - 1 - p columns of zeros on the left, the rest on the right: the output
    that a spike at (y, x) reaches through (ky, kx) is at (y + p - ky, x + k - 1 - kx) in it. taps (k * M'/WIDTH, 2) are
    the pairs of a kx and a block of columns, as offsets into dout and dw; six of them are summed side by side. Fills
    two lists of a frame: pixels (C, H*W + 1), where each channel has its spikes, and first (C, H + 1), where each row
    begins in that list.
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
                for n0 in range(0, len(taps), 6):  # what is left over of six is computed again
                    n1, n2, n3 = min(n0 + 1, len(taps) - 1), min(n0 + 2, len(taps) - 1), min(n0 + 3, len(taps) - 1)
                    n4, n5 = min(n0 + 4, len(taps) - 1), min(n0 + 5, len(taps) - 1)
                    d0, d1, d2 = frame + taps[n0, 0], frame + taps[n1, 0], frame + taps[n2, 0]
                    d3, d4, d5 = frame + taps[n3, 0], frame + taps[n4, 0], frame + taps[n5, 0]
                    o0, o1, o2 = target + taps[n0, 1], target + taps[n1, 1], target + taps[n2, 1]
                    o3, o4, o5 = target + taps[n3, 1], target + taps[n4, 1], target + taps[n5, 1]
                    sum0, sum1, sum2 = load(dw_flat, o0), load(dw_flat, o1), load(dw_flat, o2)
                    sum3, sum4, sum5 = load(dw_flat, o3), load(dw_flat, o4), load(dw_flat, o5)
                    for j in range(start, end):
                        at = item(pixels_flat, c * pitch + j) * columns
                        sum0 = sum0 + load(d_flat, d0 + at)
                        sum1 = sum1 + load(d_flat, d1 + at)
                        sum2 = sum2 + load(d_flat, d2 + at)
                        sum3 = sum3 + load(d_flat, d3 + at)
                        sum4 = sum4 + load(d_flat, d4 + at)
                        sum5 = sum5 + load(d_flat, d5 + at)
                    store(dw_flat, o5, sum5)
                    store(dw_flat, o4, sum4)
                    store(dw_flat, o3, sum3)
                    store(dw_flat, o2, sum2)
                    store(dw_flat, o1, sum1)
                    store(dw_flat, o0, sum0)
