// The accelerator's host for Verilator: sends the load and image after image, and writes records of what the probe shows
// and the accelerator answers. host.vhd does the same for GHDL and describes the files.

#include "Vdut.h"
#include "verilated.h"
#include "constants.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

// Verilator represents ports of up to 64 bits as numbers, wider ones as arrays of 32-bit words.
static uint64_t bits(uint64_t port, int low, int width) {
    return port >> low & ((uint64_t(1) << width) - 1);
}

template <std::size_t N> static uint64_t bits(const VlWide<N> &port, int low, int width) {
    const std::size_t at = low / 32;
    const uint64_t high = at + 1 < N ? port[at + 1] : 0;
    return bits(high << 32 | port[at], low % 32, width);
}

template <class Port> static void set(Port &port, const std::string &digits) {
    port = std::stoull(digits, nullptr, 16);
}

template <std::size_t N> static void set(VlWide<N> &port, const std::string &digits) {
    for (std::size_t i = 0; i < N; i++) {
        const std::size_t end = digits.size() < 8 * i ? 0 : digits.size() - 8 * i, start = end < 8 ? 0 : end - 8;
        port[i] = end ? std::stoul(digits.substr(start, end - start), nullptr, 16) : 0;
    }
}

// The lines of a file: the current one (empty after the last) and the next.
struct Lines {
    std::ifstream file;
    std::string now, next;

    explicit Lines(const char *name) : file(name) {
        step();
        step();
    }

    void step() {
        now.swap(next);
        next.clear();
        std::getline(file, next);
    }
};

int main() {
    VerilatedContext context;
    Vdut dut(&context);
    Lines load("../load.txt"), images("images.txt");
    std::FILE *records = std::fopen("records", "wb");
    if (!records || load.now.empty() || images.now.empty()) {
        std::fprintf(stderr, "load.txt, images.txt or records cannot be opened\n");
        return 1;
    }
    std::setvbuf(records, nullptr, _IOFBF, 1 << 16);
    int32_t fields[RECORD_SIZE] = {};
    int64_t cycle = 0, next_word = 0, first = 0, progress = 0;
    int at = 0;
    bool loading = true;
    bool over = true;  // the last image sent is answered, and nothing of it is left
    int64_t answered = -1;  // cycle of the answer to the present image

    const auto put = [&](int kind, int layer, int64_t address) {
        fields[0] = kind;
        fields[1] = layer;
        fields[2] = int32_t(cycle - first);
        fields[3] = int32_t(address);
        std::fwrite(fields, sizeof fields, 1, records);
    };

#if VM_TRACE
    context.traceEverOn(true);
    VerilatedVcdC waveform;
    dut.trace(&waveform, 99);
    waveform.open("all.vcd");
#endif
    const auto trace = [&](int half) {  // a cycle takes 10 ns, and the first word's is at 0
#if VM_TRACE
        if (!over)
            waveform.dump(uint64_t(10 * (cycle - first) + half));
#endif
    };

    dut.clk = 0;
    dut.m_output_tready = 1;
    for (;; cycle++) {
        dut.rst = cycle < 2;
        dut.s_load_tvalid = cycle >= 2 && loading;
        dut.s_input_tvalid = !loading && (at > 0 || over) && cycle >= next_word && !images.now.empty();
        if (dut.s_load_tvalid) {
            set(dut.s_load_tdata, load.now);
            dut.s_load_tlast = load.next.empty();
        }
        if (dut.s_input_tvalid) {
            set(dut.s_input_tdata, images.now);
            dut.s_input_tlast = at == WORDS - 1;
        }
        dut.eval();
        if (dut.s_load_tvalid && dut.s_load_tready) {
            progress = cycle;
            load.step();
            loading = !load.now.empty();
        }
        if (dut.s_input_tvalid && dut.s_input_tready) {
            if (at == 0) {
                first = cycle;
                over = false;
                answered = -1;
            }
            next_word = cycle + WORD_EVERY;
            at = (at + 1) % WORDS;
            images.step();
        }
        trace(0);
        if (cycle >= 2)
            for (int l = 0; l < LAYERS; l++) {
                const uint64_t events = bits(dut.probe_events, 4 * l, 4);
                if (!loading && events)
                    put(1, l, events);
                if (!bits(dut.probe_fired, l, 1))
                    continue;
                const int width = MEMBRANE_BITS[l];
                for (int i = 0; i < NEURONS[l]; i++) {
                    const uint32_t before = bits(dut.probe_before, BEFORE_AT[l] + i * width, width);
                    const uint32_t spike = bits(dut.probe_spikes, SPIKES_AT[l] + i, 1);
                    fields[4 + i] = int32_t((before << 1 | spike) << (31 - width)) >> (31 - width);
                }
                put(0, l, bits(dut.probe_address, ADDRESS_AT[l], ADDRESS_AT[l + 1] - ADDRESS_AT[l]));
            }
        if (cycle >= 2 && dut.m_output_tvalid) {
            const uint64_t wide = uint64_t(dut.m_output_tdata) << (64 - OUTPUT_BITS);
            const int64_t beat = int64_t(wide) >> (64 - OUTPUT_BITS);
            fields[4] = int32_t(beat);
            fields[5] = int32_t(beat >> 32);
            put(2, dut.m_output_tlast, 0);
            if (dut.m_output_tlast) {
                progress = cycle;
                answered = cycle;
            }
        }
        if (!over && answered >= 0 && at == 0 && cycle >= answered + REST) {
            over = true;
            put(3, 0, 0);
            if (images.now.empty())
                break;
        }
        if (cycle - progress > LIMIT)  // the accelerator has stopped
            break;
        dut.clk = 1;
        dut.eval();
        trace(5);
        dut.clk = 0;
        dut.eval();
    }
    dut.final();
#if VM_TRACE
    waveform.close();
#endif
    return std::fclose(records) != 0;
}
