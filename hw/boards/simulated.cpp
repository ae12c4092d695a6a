// A simulated board: the whole top in Verilator, its serial line as a pseudo-terminal.
// Usage: board DIVIDE. Prints the terminal's name, and runs until it is ended with SIGTERM or SIGINT, or the
// process that reads the name is gone.

#include "Vboard.h"
#include "verilated.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t stop = 0;

// Sends bytes to the design, each in exactly 10 bits.
struct Sender {
    const int divide;
    std::deque<unsigned char> bytes;
    unsigned frame = 0;
    int bits = 0, ticks = 0;

    bool level() {
        if (!bits && !bytes.empty()) {
            frame = 0x200u | bytes.front() << 1;
            bytes.pop_front();
            bits = 10;
            ticks = divide;
        }
        if (!bits)
            return true;
        const bool now = frame & 1;
        if (--ticks == 0) {
            frame >>= 1;
            bits--;
            ticks = divide;
        }
        return now;
    }
};

// Receives bytes from the design.
struct Receiver {
    const int divide;
    std::deque<unsigned char> bytes;
    unsigned frame = 0;
    int bits = 0, ticks = 0;

    void look(bool level) {
        if (!bits) {
            if (level)
                return;
            bits = 10;
            ticks = divide / 2;
        } else if (ticks-- == 0) {
            frame = frame >> 1 | (level ? 0x200u : 0);
            ticks = divide - 1;
            if (--bits == 0)
                bytes.push_back(frame >> 1 & 0xff);
        }
    }
};

int main(int argc, char **argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s DIVIDE\n", argv[0]);
        return 2;
    }
    const int divide = std::atoi(argv[1]);
    for (int each : {SIGINT, SIGTERM})
        std::signal(each, [](int) { stop = 1; });
    const int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master < 0 || grantpt(master) || unlockpt(master)) {
        std::perror("pseudo-terminal");
        return 1;
    }
    const char *name = ptsname(master);
    const int slave = open(name, O_RDWR | O_NOCTTY); // held open: without it, reads fail while no host is there
    termios raw;
    tcgetattr(slave, &raw);
    cfmakeraw(&raw); // no echo, and no change of line ends
    tcsetattr(slave, TCSANOW, &raw);
    std::printf("%s\n", name);
    std::fflush(stdout);

    VerilatedContext context;
    Vboard board(&context);
    Sender sender{divide};
    Receiver receiver{divide};
    const unsigned long long quiet = 1000000; // cycles without a byte after which the processor rests
    unsigned long long active = 0;
    board.clk = 0;
    for (unsigned long long cycle = 0; !stop; cycle++) {
        if (sender.bytes.empty() && cycle % 64 == 63) { // the first cycles are the reset's
            pollfd at[] = {{master, POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
            const bool rests = cycle - active > quiet && cycle % 65536 == 63;
            if (poll(at, 2, rests ? 20 : 0) > 0 && (at[1].revents & POLLERR))
                break; // nobody reads any more
            if (at[0].revents & POLLIN) {
                unsigned char some[4096];
                const ssize_t count = read(master, some, sizeof some);
                sender.bytes.insert(sender.bytes.end(), some, some + (count > 0 ? count : 0));
                active = cycle;
            }
        }
        board.rx = sender.level();
        board.clk = 1;
        board.eval();
        board.clk = 0;
        board.eval();
        receiver.look(board.tx);
        while (!receiver.bytes.empty() && write(master, &receiver.bytes.front(), 1) == 1) {
            receiver.bytes.pop_front(); // else the terminal is full: later
            active = cycle;
        }
    }
    board.final();
    return 0;
}
