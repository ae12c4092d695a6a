"""The same products where most inputs are 0: they are listed once, and only those that are not are worked on.

An input of 0 adds nothing. What is not 0 is a spike, which is 1, so that its weight is added; or, on the way back, the
gradient of a neuron, times which it is added. As 0*w and 1*w are exact, ``dense`` gives the same bits.
"""

from .dense import GROUP
from .simd import PLACES, WIDTH, append, item, kernel, load, nonzero, store, store_some, weighted


@kernel
def list_pixel(x, start, low, high, base, events, n):
    """Append base + c to events[n:] for each channel c from `low` to `high` where x[start + c] is not 0; return the new
    end of the list, beyond which up to 8 numbers may be overwritten.
    """
    c = low
    while c + 8 <= high:  # eight at a time, without a branch that the processor cannot foresee
        n = append(events, n, base + c, PLACES, nonzero(x, start + c))
        c += 8
    while c < high:
        events[n] = base + c
        n += x[start + c] != 0
        c += 1
    return n


@kernel
def list_rows(x, f, events, first):
    """List the inputs of frame f that are not 0: each row's x*C + c in events (H, W*C + 8), and in first (H, W + 1)
    where each pixel begins in the flat events.
    """
    _, height, width, channels = x.shape
    x_flat, events_flat = x.reshape(-1), events.reshape(-1)
    for y in range(height):
        n = y * events.shape[1]
        for pixel in range(width):
            first[y, pixel] = n
            start = ((f * height + y) * width + pixel) * channels
            n = list_pixel(x_flat, start, 0, channels, pixel * channels, events_flat, n)
        first[y, width] = n


@kernel
def windows(x, packed, bias, top, left, out, events, first):
    """Compute what ``dense.windows`` does; `events` and `first` are filled by ``list_rows``.

    A row of a window of inputs is a row of up to k windows, one below the other: its inputs are read once for three of
    them, and three outputs are summed side by side, so that no addition waits for the one before. A group of columns is
    summed at once, for its weights lie side by side. An output gets its inputs in ascending address.
    """
    frames, height, width, channels = x.shape
    _, h, w, columns = out.shape
    groups, size = packed.shape[:2]
    x_flat, out_flat, events_flat = x.reshape(-1), out.reshape(-1), events.reshape(-1)
    weights, tap = packed.reshape(-1), channels * GROUP
    for f in range(frames):
        list_rows(x, f, events, first)
        for group in range(groups):
            count = columns - group * GROUP
            o = f * h * w * columns + group * GROUP
            for pixel in range(h * w):
                store_some(out_flat, o + pixel * columns, load(bias, group * GROUP), count)
                if count > WIDTH:
                    half = load(bias, group * GROUP + WIDTH)
                    store_some(out_flat, o + pixel * columns + WIDTH, half, count - WIDTH)
            for row in range(height):
                values = (f * height + row) * width * channels
                end = min(row + top + 1, size)
                for ky0 in range(max(row + top - h + 1, 0), end, 3):  # what is left over of three is computed again
                    ky1, ky2 = min(ky0 + 1, end - 1), min(ky0 + 2, end - 1)
                    base0 = ((group * size + ky0) * size + left) * tap
                    base1, base2 = base0 + (ky1 - ky0) * size * tap, base0 + (ky2 - ky0) * size * tap
                    out0 = o + (row + top - ky0) * w * columns
                    out1, out2 = out0 - (ky1 - ky0) * w * columns, out0 - (ky2 - ky0) * w * columns
                    for x0 in range(w):
                        start = min(max(x0 - left, 0), width)
                        j0, j1 = first[row, start], first[row, max(min(x0 - left + size, width), start)]
                        at0, at1, at2 = out0 + x0 * columns, out1 + x0 * columns, out2 + x0 * columns
                        low0, low1, low2 = load(out_flat, at0), load(out_flat, at1), load(out_flat, at2)
                        if count > WIDTH:
                            high0, high1 = load(out_flat, at0 + WIDTH), load(out_flat, at1 + WIDTH)
                            high2 = load(out_flat, at2 + WIDTH)
                            for j in range(j0, j1):
                                event = item(events_flat, j)
                                weight = event * GROUP - x0 * tap
                                value, w0, w1, w2 = values + event, base0 + weight, base1 + weight, base2 + weight
                                low0 = weighted(low0, x_flat, value, load(weights, w0))
                                high0 = weighted(high0, x_flat, value, load(weights, w0 + WIDTH))
                                low1 = weighted(low1, x_flat, value, load(weights, w1))
                                high1 = weighted(high1, x_flat, value, load(weights, w1 + WIDTH))
                                low2 = weighted(low2, x_flat, value, load(weights, w2))
                                high2 = weighted(high2, x_flat, value, load(weights, w2 + WIDTH))
                            store_some(out_flat, at0 + WIDTH, high0, count - WIDTH)
                            store_some(out_flat, at1 + WIDTH, high1, count - WIDTH)
                            store_some(out_flat, at2 + WIDTH, high2, count - WIDTH)
                        else:
                            for j in range(j0, j1):
                                event = item(events_flat, j)
                                weight = event * GROUP - x0 * tap
                                low0 = weighted(low0, x_flat, values + event, load(weights, base0 + weight))
                                low1 = weighted(low1, x_flat, values + event, load(weights, base1 + weight))
                                low2 = weighted(low2, x_flat, values + event, load(weights, base2 + weight))
                        store_some(out_flat, at0, low0, count)
                        store_some(out_flat, at1, low1, count)
                        store_some(out_flat, at2, low2, count)


@kernel
def pixels(x, packed, bias, out, events):
    """Compute what ``windows`` does for a 1x1 kernel, where all inputs of a pixel have the same sums: in registers.

    x (1, 1, P, C), out (1, 1, P, M); `events` holds the channels of one pixel.
    """
    count, channels = x.shape[2:]
    groups, columns = len(packed), out.shape[3]
    x_flat, out_flat, weights = x.reshape(-1), out.reshape(-1), packed.reshape(-1)
    for pixel in range(count):
        values, o = pixel * channels, pixel * columns
        n = list_pixel(x_flat, values, 0, channels, 0, events, 0)
        if columns <= WIDTH:
            sum0 = load(bias, 0)
            for j in range(n):
                c = item(events, j)
                sum0 = weighted(sum0, x_flat, values + c, load(weights, c * GROUP))
            store_some(out_flat, o, sum0, columns)
            continue
        for group0 in range(0, groups, 2):  # what is left over of two is computed again
            group1 = min(group0 + 1, groups - 1)
            base0, base1 = group0 * channels, group1 * channels
            sum0, sum1 = load(bias, group0 * GROUP), load(bias, group0 * GROUP + WIDTH)
            sum2, sum3 = load(bias, group1 * GROUP), load(bias, group1 * GROUP + WIDTH)
            for j in range(n):
                c = item(events, j)
                weight0, weight1 = (base0 + c) * GROUP, (base1 + c) * GROUP
                sum0 = weighted(sum0, x_flat, values + c, load(weights, weight0))
                sum1 = weighted(sum1, x_flat, values + c, load(weights, weight0 + WIDTH))
                sum2 = weighted(sum2, x_flat, values + c, load(weights, weight1))
                sum3 = weighted(sum3, x_flat, values + c, load(weights, weight1 + WIDTH))
            at0, at1 = group0 * GROUP, group1 * GROUP
            store_some(out_flat, o + at0, sum0, columns - at0)
            if columns > at0 + WIDTH:
                store_some(out_flat, o + at0 + WIDTH, sum1, columns - at0 - WIDTH)
            store_some(out_flat, o + at1, sum2, columns - at1)
            if columns > at1 + WIDTH:
                store_some(out_flat, o + at1 + WIDTH, sum3, columns - at1 - WIDTH)


@kernel
def list_channels(spk, f, low, high, margin, origin, pixels, first, events):
    """List the spikes of frame f by channel, from `low` to `high`: where they are, counted from `origin` in rows that
    are `margin` pixels longer, appended to pixels (C, ...), and in first[:, 1:] where each row ends in that list.

    `events` holds the channels of one pixel.
    """
    _, height, width, channels = spk.shape
    spk_flat = spk.reshape(-1)
    for y in range(height):
        for c in range(high - low):
            first[c, y + 1] = first[c, y]
        for x in range(width):
            start = ((f * height + y) * width + x) * channels
            n = list_pixel(spk_flat, start, low, high, 0, events, 0)
            for i in range(n):
                c = events[i] - low
                pixels[c, first[c, y + 1]] = origin + y * (width + margin) + x + margin
                first[c, y + 1] += 1


@kernel
def weights(spk, dout, size, padding, dw, low, high, taps, pixels, first, events):
    """Add what ``dense.weights`` does, for input channels from `low` to `high`; spk (F, H, W, C) uint8 is not padded.

    dout (F, h, W + k - 1, M') has a border of k - 1 - p columns of zeros on the left, the rest on the right: the output
    that a spike at (y, x) reaches through (ky, kx) is at (y + p - ky, x + k - 1 - kx) in it. M' is a multiple of WIDTH,
    and dw is (k, k, C, M'). taps (k * M'/WIDTH, 2) are the pairs of a kx and a vector of columns, as offsets into dout
    and dw; six of them are summed side by side. Some frames are listed at a time, as many as `first`
    (frames, C, H + 1) holds, so that large weights are read and written less often.
    """
    frames, height, width, channels = spk.shape
    _, h, d_width, columns = dout.shape
    d_flat, dw_flat, pixels_flat, pitch = dout.reshape(-1), dw.reshape(-1), pixels.reshape(-1), pixels.shape[1]
    for f0 in range(0, frames, len(first)):
        some = min(len(first), frames - f0)
        for i in range(some):
            for c in range(high - low):
                first[i, c, 0] = first[i - 1, c, height] if i else 0
            origin = (f0 + i) * h * d_width
            list_channels(spk, f0 + i, low, high, size - 1, origin, pixels, first[i], events)
        last = len(taps) - 1
        for n0 in range(0, len(taps), 6):  # what is left over of six is computed again
            n1, n2, n3 = min(n0 + 1, last), min(n0 + 2, last), min(n0 + 3, last)
            n4, n5 = min(n0 + 4, last), min(n0 + 5, last)
            for c in range(high - low):
                for ky in range(size):
                    top, bottom = min(max(ky - padding, 0), height), max(min(ky - padding + h, height), 0)
                    row = (padding - ky) * d_width * columns
                    target = (ky * size * channels + low + c) * columns
                    d0, d1, d2 = row + taps[n0, 0], row + taps[n1, 0], row + taps[n2, 0]
                    d3, d4, d5 = row + taps[n3, 0], row + taps[n4, 0], row + taps[n5, 0]
                    o0, o1, o2 = target + taps[n0, 1], target + taps[n1, 1], target + taps[n2, 1]
                    o3, o4, o5 = target + taps[n3, 1], target + taps[n4, 1], target + taps[n5, 1]
                    sum0, sum1, sum2 = load(dw_flat, o0), load(dw_flat, o1), load(dw_flat, o2)
                    sum3, sum4, sum5 = load(dw_flat, o3), load(dw_flat, o4), load(dw_flat, o5)
                    for i in range(some):
                        for j in range(c * pitch + first[i, c, top], c * pitch + first[i, c, bottom]):
                            at = item(pixels_flat, j) * columns
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


@kernel
def row_weights(spk, dout, dw, low, high, events):
    """Add what ``weights`` does for a 1x1 kernel of few columns: pixel by pixel, for a list by channel costs more.

    spk (1, 1, P, C) and dout (1, 1, P, M'); `events` holds the channels of one pixel.
    """
    pixels, channels = spk.shape[2:]
    columns = dw.shape[3]
    spk_flat, d_flat, dw_flat = spk.reshape(-1), dout.reshape(-1), dw.reshape(-1)
    for pixel in range(pixels):
        n = list_pixel(spk_flat, pixel * channels, low, high, 0, events, 0)
        for column in range(0, columns, WIDTH):
            gradient = load(d_flat, pixel * columns + column)
            for i in range(n):
                at = item(events, i) * columns + column
                store(dw_flat, at, load(dw_flat, at) + gradient)
