"""Windows times weights, and windows times gradients, where every input counts.

All work on frames (F = T*B of them), channels last. Output channels are cut into vectors, so that the sums of one stay
in registers while the inputs of its window are walked in ascending address.
"""

from .simd import MANY_REGISTERS, WIDTH, kernel, load, load_some, muladd, splat, store, store_some

GROUP = 2 * WIDTH  # columns of weights that lie side by side in memory: what ``sparse`` reads for one spike


@kernel
def windows(x, packed, bias, top, left, out):
    """Compute out[f, y, x] = bias + window of x at (y - top, x - left) times weights; outside its frame x is 0.

    x (F, H, W, C); packed (groups, k, k, C, GROUP) and bias from ``products``; out (F, h, w, M). Four frames are summed
    side by side, and two vectors of columns where there are registers for them: eight chains of FMA or more keep the
    processor busy.
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
    weights, count = packed.reshape(-1), columns - column
    first = column // GROUP * size * size * channels * GROUP + column % GROUP
    for f0 in range(0, frames, 4):  # what is left over of four is computed again
        f1, f2, f3 = min(f0 + 1, frames - 1), min(f0 + 2, frames - 1), min(f0 + 3, frames - 1)
        for y in range(h):
            for x0 in range(w):
                kx0, kx1 = max(left - x0, 0), min(size, width + left - x0)
                sum0 = load(bias, column)
                sum1, sum2, sum3 = sum0, sum0, sum0
                for ky in range(max(top - y, 0), min(size, height + top - y)):
                    p = ((y + ky - top) * width + x0 - left) * channels
                    p0, p1, p2, p3 = f0 * frame + p, f1 * frame + p, f2 * frame + p, f3 * frame + p
                    q = first + ky * size * channels * GROUP
                    for e in range(kx0 * channels, kx1 * channels):  # (kx, c) in one: contiguous in x and in w
                        weight = load(weights, q + e * GROUP)
                        sum0 = muladd(sum0, splat(x_flat, p0 + e), weight)
                        sum1 = muladd(sum1, splat(x_flat, p1 + e), weight)
                        sum2 = muladd(sum2, splat(x_flat, p2 + e), weight)
                        sum3 = muladd(sum3, splat(x_flat, p3 + e), weight)
                o = (y * w + x0) * columns + column
                store_some(out_flat, f0 * h * w * columns + o, sum0, count)
                store_some(out_flat, f1 * h * w * columns + o, sum1, count)
                store_some(out_flat, f2 * h * w * columns + o, sum2, count)
                store_some(out_flat, f3 * h * w * columns + o, sum3, count)


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
    columns from `first` to `last` are computed, multiples too. A vector of columns of one frame is copied to `side`
    (h * w * WIDTH) first, for rows of many columns would drive one another out of the cache.
    """
    frames, height, width, channels = x.shape
    _, h, w, columns = dout.shape
    x_flat, d_flat, dw_flat = x.reshape(-1), dout.reshape(-1), dw.reshape(-1)
    length, d_columns = size * channels, dw.shape[3]
    for column in range(first, last, WIDTH):
        count = columns - column
        for f in range(frames):
            for pixel in range(h * w):
                store(side, pixel * WIDTH, load_some(d_flat, (f * h * w + pixel) * columns + column, count))
            for ky in range(size):
                for e0 in range(0, length, 4):  # what is left over of four is computed again
                    e1, e2, e3 = min(e0 + 1, length - 1), min(e0 + 2, length - 1), min(e0 + 3, length - 1)
                    o = ky * length * d_columns + column
                    sum0 = load(dw_flat, o + e0 * d_columns)
                    sum1 = load(dw_flat, o + e1 * d_columns)
                    sum2 = load(dw_flat, o + e2 * d_columns)
                    sum3 = load(dw_flat, o + e3 * d_columns)
                    for y in range(h):
                        p = (f * height + y + ky) * width * channels
                        for x0 in range(w):
                            gradient, pixel = load(side, (y * w + x0) * WIDTH), p + x0 * channels
                            sum0 = muladd(sum0, splat(x_flat, pixel + e0), gradient)
                            sum1 = muladd(sum1, splat(x_flat, pixel + e1), gradient)
                            sum2 = muladd(sum2, splat(x_flat, pixel + e2), gradient)
                            sum3 = muladd(sum3, splat(x_flat, pixel + e3), gradient)
                    store(dw_flat, o + e3 * d_columns, sum3)
                    store(dw_flat, o + e2 * d_columns, sum2)
                    store(dw_flat, o + e1 * d_columns, sum1)
                    store(dw_flat, o + e0 * d_columns, sum0)
