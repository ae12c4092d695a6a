"""Windows times weights, and windows times gradients, where every input counts.

All work on frames (F = T*B of them), channels last. Output channels are cut into vectors, so that the sums of one stay
in registers while the inputs of its window are walked in ascending address.
"""

from .simd import MANY_REGISTERS, WIDTH, kernel, load, load_some, muladd, splat, store, store_some

GROUP = 2 * WIDTH  # columns of weights that lie side by side in memory: what ``sparse`` reads for one spike


@kernel
def windows(x, packed, bias, top, left, out):
    """Compute out[f, y, x] = bias + window of x at (y - top, x - left) times weights; outside its frame x is 0.

    x (F, H, W, C); packed (groups, k, k, C, GROUP) and bias from ``products``; out (F, h, w, M). Eight frames are
    summed side by side, or four with two vectors of columns where there are registers for them: eight chains of FMA
    keep the processor busy.
    """
    columns, column = out.shape[3], 0
    while column < columns:
        if MANY_REGISTERS and columns - column > WIDTH:
            _two_vectors(x, packed, bias, top, left, out, column)
            column += GROUP
        else:
            _one_vector(x, packed, bias, top, left, out, column)
            column += WIDTH


@kernel
def _one_vector(x, packed, bias, top, left, out, column):
    frames, height, width, channels = x.shape
    _, h, w, columns = out.shape
    size = packed.shape[1]
    x_flat, out_flat, frame = x.reshape(-1), out.reshape(-1), height * width * channels
    weights, count, out_frame = packed.reshape(-1), columns - column, h * w * columns
    first = column // GROUP * size * size * channels * GROUP + column % GROUP
    last = frames - 1
    for f0 in range(0, frames, 8):  # what is left over of eight is computed again
        f1, f2, f3, f4 = min(f0 + 1, last), min(f0 + 2, last), min(f0 + 3, last), min(f0 + 4, last)
        f5, f6, f7 = min(f0 + 5, last), min(f0 + 6, last), min(f0 + 7, last)
        for y in range(h):
            for x0 in range(w):
                kx0, kx1 = max(left - x0, 0), min(size, width + left - x0)
                sum0 = load(bias, column)
                sum1, sum2, sum3, sum4, sum5, sum6, sum7 = sum0, sum0, sum0, sum0, sum0, sum0, sum0
                for ky in range(max(top - y, 0), min(size, height + top - y)):
                    p = ((y + ky - top) * width + x0 - left) * channels
                    p0, p1, p2, p3 = f0 * frame + p, f1 * frame + p, f2 * frame + p, f3 * frame + p
                    p4, p5, p6, p7 = f4 * frame + p, f5 * frame + p, f6 * frame + p, f7 * frame + p
                    q = first + ky * size * channels * GROUP
                    for e in range(kx0 * channels, kx1 * channels):  # (kx, c) in one: contiguous in x and in w
                        weight = load(weights, q + e * GROUP)
                        sum0 = muladd(sum0, splat(x_flat, p0 + e), weight)
                        sum1 = muladd(sum1, splat(x_flat, p1 + e), weight)
                        sum2 = muladd(sum2, splat(x_flat, p2 + e), weight)
                        sum3 = muladd(sum3, splat(x_flat, p3 + e), weight)
                        sum4 = muladd(sum4, splat(x_flat, p4 + e), weight)
                        sum5 = muladd(sum5, splat(x_flat, p5 + e), weight)
                        sum6 = muladd(sum6, splat(x_flat, p6 + e), weight)
                        sum7 = muladd(sum7, splat(x_flat, p7 + e), weight)
                o = (y * w + x0) * columns + column
                store_some(out_flat, f0 * out_frame + o, sum0, count)
                store_some(out_flat, f1 * out_frame + o, sum1, count)
                store_some(out_flat, f2 * out_frame + o, sum2, count)
                store_some(out_flat, f3 * out_frame + o, sum3, count)
                store_some(out_flat, f4 * out_frame + o, sum4, count)
                store_some(out_flat, f5 * out_frame + o, sum5, count)
                store_some(out_flat, f6 * out_frame + o, sum6, count)
                store_some(out_flat, f7 * out_frame + o, sum7, count)


@kernel
def _two_vectors(x, packed, bias, top, left, out, column):
    """Do what ``_one_vector`` does for two vectors of columns, so that an input is read once for both."""
    frames, height, width, channels = x.shape
    _, h, w, columns = out.shape
    size = packed.shape[1]
    x_flat, out_flat, frame = x.reshape(-1), out.reshape(-1), height * width * channels
    weights, count = packed.reshape(-1), columns - column - WIDTH
    first = column // GROUP * size * size * channels * GROUP
    for f0 in range(0, frames, 4):  # what is left over of four is computed again
        f1, f2, f3 = min(f0 + 1, frames - 1), min(f0 + 2, frames - 1), min(f0 + 3, frames - 1)
        for y in range(h):
            for x0 in range(w):
                kx0, kx1 = max(left - x0, 0), min(size, width + left - x0)
                low0, high0 = load(bias, column), load(bias, column + WIDTH)
                low1, low2, low3, high1, high2, high3 = low0, low0, low0, high0, high0, high0
                for ky in range(max(top - y, 0), min(size, height + top - y)):
                    p = ((y + ky - top) * width + x0 - left) * channels
                    p0, p1, p2, p3 = f0 * frame + p, f1 * frame + p, f2 * frame + p, f3 * frame + p
                    q = first + ky * size * channels * GROUP
                    for e in range(kx0 * channels, kx1 * channels):
                        low, high = load(weights, q + e * GROUP), load(weights, q + e * GROUP + WIDTH)
                        value0, value1 = splat(x_flat, p0 + e), splat(x_flat, p1 + e)
                        low0, high0 = muladd(low0, value0, low), muladd(high0, value0, high)
                        low1, high1 = muladd(low1, value1, low), muladd(high1, value1, high)
                        value2, value3 = splat(x_flat, p2 + e), splat(x_flat, p3 + e)
                        low2, high2 = muladd(low2, value2, low), muladd(high2, value2, high)
                        low3, high3 = muladd(low3, value3, low), muladd(high3, value3, high)
                o = (y * w + x0) * columns + column
                o0, o1, o2, o3 = f0 * h * w, f1 * h * w, f2 * h * w, f3 * h * w
                store(out_flat, o0 * columns + o, low0)
                store(out_flat, o1 * columns + o, low1)
                store(out_flat, o2 * columns + o, low2)
                store(out_flat, o3 * columns + o, low3)
                store_some(out_flat, o0 * columns + o + WIDTH, high0, count)
                store_some(out_flat, o1 * columns + o + WIDTH, high1, count)
                store_some(out_flat, o2 * columns + o + WIDTH, high2, count)
                store_some(out_flat, o3 * columns + o + WIDTH, high3, count)


@kernel
def weights(x, dout, size, dw, first, last, side):
    """Add to dw[ky, kx, c] the sum over frames and pixels of x[y + ky, x + kx, c] * dout[y, x].

    x (F, H, W, C) is padded already; dout (F, h, w, M); dw (k, k, C, M') with M' a multiple of WIDTH, of which the
    columns from `first` to `last` are computed, multiples too. The columns of one frame that are summed are copied to
    `side` (h * w * GROUP) first, for rows of many columns would drive one another out of the cache.
    """
    column = first
    while column < last:
        if last - column > WIDTH:
            _weights_of_two_vectors(x, dout, size, dw, column, side)
            column += GROUP
        else:
            _weights_of_one_vector(x, dout, size, dw, column, side)
            column += WIDTH


@kernel
def _copy(d_flat, first, count, columns, column, vectors, side):
    """Copy vectors of columns of `count` pixels in a row to `side`; beyond the last column they are 0."""
    for pixel in range(count):
        for vector in range(vectors):
            at = column + vector * WIDTH
            gradient = load_some(d_flat, (first + pixel) * columns + at, columns - at)
            store(side, (pixel * vectors + vector) * WIDTH, gradient)


@kernel
def _weights_of_one_vector(x, dout, size, dw, column, side):
    frames, height, width, channels = x.shape
    _, h, w, columns = dout.shape
    x_flat, d_flat, dw_flat = x.reshape(-1), dout.reshape(-1), dw.reshape(-1)
    length, row = size * channels, dw.shape[3]
    end = length - 1
    for f in range(frames):
        _copy(d_flat, f * h * w, h * w, columns, column, 1, side)
        for ky in range(size):
            for e0 in range(0, length, 8):  # what is left over of eight is computed again
                e1, e2, e3, e4 = min(e0 + 1, end), min(e0 + 2, end), min(e0 + 3, end), min(e0 + 4, end)
                e5, e6, e7 = min(e0 + 5, end), min(e0 + 6, end), min(e0 + 7, end)
                o = ky * length * row + column
                sum0, sum1 = load(dw_flat, o + e0 * row), load(dw_flat, o + e1 * row)
                sum2, sum3 = load(dw_flat, o + e2 * row), load(dw_flat, o + e3 * row)
                sum4, sum5 = load(dw_flat, o + e4 * row), load(dw_flat, o + e5 * row)
                sum6, sum7 = load(dw_flat, o + e6 * row), load(dw_flat, o + e7 * row)
                for y in range(h):
                    p = (f * height + y + ky) * width * channels
                    for x0 in range(w):
                        gradient, pixel = load(side, (y * w + x0) * WIDTH), p + x0 * channels
                        sum0 = muladd(sum0, splat(x_flat, pixel + e0), gradient)
                        sum1 = muladd(sum1, splat(x_flat, pixel + e1), gradient)
                        sum2 = muladd(sum2, splat(x_flat, pixel + e2), gradient)
                        sum3 = muladd(sum3, splat(x_flat, pixel + e3), gradient)
                        sum4 = muladd(sum4, splat(x_flat, pixel + e4), gradient)
                        sum5 = muladd(sum5, splat(x_flat, pixel + e5), gradient)
                        sum6 = muladd(sum6, splat(x_flat, pixel + e6), gradient)
                        sum7 = muladd(sum7, splat(x_flat, pixel + e7), gradient)
                store(dw_flat, o + e0 * row, sum0)
                store(dw_flat, o + e1 * row, sum1)
                store(dw_flat, o + e2 * row, sum2)
                store(dw_flat, o + e3 * row, sum3)
                store(dw_flat, o + e4 * row, sum4)
                store(dw_flat, o + e5 * row, sum5)
                store(dw_flat, o + e6 * row, sum6)
                store(dw_flat, o + e7 * row, sum7)


@kernel
def _weights_of_two_vectors(x, dout, size, dw, column, side):
    """Do what ``_weights_of_one_vector`` does for two vectors of columns, so that an input is read once for both."""
    frames, height, width, channels = x.shape
    _, h, w, columns = dout.shape
    x_flat, d_flat, dw_flat = x.reshape(-1), dout.reshape(-1), dw.reshape(-1)
    length, row = size * channels, dw.shape[3]
    end = length - 1
    for f in range(frames):
        _copy(d_flat, f * h * w, h * w, columns, column, 2, side)
        for ky in range(size):
            for e0 in range(0, length, 4):  # what is left over of four is computed again
                e1, e2, e3 = min(e0 + 1, end), min(e0 + 2, end), min(e0 + 3, end)
                o = ky * length * row + column
                o0, o1, o2, o3 = o + e0 * row, o + e1 * row, o + e2 * row, o + e3 * row
                low0, high0 = load(dw_flat, o0), load(dw_flat, o0 + WIDTH)
                low1, high1 = load(dw_flat, o1), load(dw_flat, o1 + WIDTH)
                low2, high2 = load(dw_flat, o2), load(dw_flat, o2 + WIDTH)
                low3, high3 = load(dw_flat, o3), load(dw_flat, o3 + WIDTH)
                for y in range(h):
                    p = (f * height + y + ky) * width * channels
                    for x0 in range(w):
                        at, pixel = (y * w + x0) * GROUP, p + x0 * channels
                        low, high = load(side, at), load(side, at + WIDTH)
                        value0, value1 = splat(x_flat, pixel + e0), splat(x_flat, pixel + e1)
                        low0, high0 = muladd(low0, value0, low), muladd(high0, value0, high)
                        low1, high1 = muladd(low1, value1, low), muladd(high1, value1, high)
                        value2, value3 = splat(x_flat, pixel + e2), splat(x_flat, pixel + e3)
                        low2, high2 = muladd(low2, value2, low), muladd(high2, value2, high)
                        low3, high3 = muladd(low3, value3, low), muladd(high3, value3, high)
                store(dw_flat, o0, low0)
                store(dw_flat, o0 + WIDTH, high0)
                store(dw_flat, o1, low1)
                store(dw_flat, o1 + WIDTH, high1)
                store(dw_flat, o2, low2)
                store(dw_flat, o2 + WIDTH, high2)
                store(dw_flat, o3, low3)
                store(dw_flat, o3 + WIDTH, high3)
