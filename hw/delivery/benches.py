"""Testbenches that need nothing but a simulator, and the scripts that run them.

A testbench reads `load.txt`, `images.txt` and `expected.txt`; each line holds one beat: `tlast`, and `tdata` in
hexadecimal. It sends the load and one image after the other, takes every beat of the answers at once, compares it, and
counts the cycles of each image itself. It ends with PASS, or with FAIL and an exit status other than 0. If there is a
`labels.txt`, with the true class of an image on each line, the class is printed beside the answer.
"""

import json
from collections.abc import Iterable, Mapping, Sequence

from ..spec import AcceleratorSpec


def bench(hdl: str, name: str, spec: AcceleratorSpec, outputs: Iterable[str], most_cycles: int, rest: int = 0) -> str:
    """Return the testbench of the design `name` with these output ports; it fails after `most_cycles` cycles.

    It waits `rest` cycles after each answer.
    """
    values: dict[str, object] = {"NAME": name, "MOST": most_cycles, "REST": rest}
    for port, width in (("LOAD", spec.load_bits), ("INPUT", spec.input_bits), ("OUTPUT", spec.output_bits)):
        values |= {f"{port}_LEFT": width - 1, f"{port}_DIGITS": 4 * digits(width) - 1}
    probes = [port for port in outputs if port.startswith("probe_")]
    open_port = ", {} => open" if hdl == "vhdl" else ", .{}()"
    values["PROBES"] = "".join(open_port.format(port) for port in probes)
    return filled(VHDL if hdl == "vhdl" else VERILOG, values)


def scripts(hdl: str, name: str, pauses: Sequence[int] = ()) -> dict[str, str]:
    """Return the scripts that simulate the design: run.sh, and run.py for systems without a shell.

    With `pauses`, they simulate once for each, and set the generic `pause` of the testbench.
    """
    commands = _commands(hdl, f"{name}_bench", pauses)
    lines = [" ".join(f"$(cat {name}.f)" if word == DESIGN else word for word in command) for command in commands]
    lists = [f"    {json.dumps(command)},".replace(json.dumps(DESIGN), "*DESIGN") for command in commands]
    values = {"TOOL": "GHDL" if hdl == "vhdl" else "Icarus Verilog", "NAME": name}
    values["NOTE"] = NOTE if hdl == "vhdl" else ""
    return {
        "run.sh": filled(RUN_SHELL, values | {"COMMANDS": "\n".join(lines)}),
        "run.py": filled(RUN_PYTHON, values | {"COMMANDS": "\n".join(lists)}),
    }


def _commands(hdl, bench, pauses):
    """Return the commands of a simulation, as lists of words; DESIGN stands for the files of the design."""
    result, settings = [], [f"pause={pause}" for pause in pauses] or [None]
    if hdl == "vhdl":
        result += [["ghdl", "-a", "--std=08", DESIGN, f"{bench}.vhd"], ["ghdl", "-e", "--std=08", bench]]
    for setting in settings:
        if hdl == "vhdl":
            flags = [f"-g{setting}"] if setting else []
            strict = ["--ieee-asserts=disable-at-0", "--assert-level=warning"]
            result.append(["ghdl", "-r", "--std=08", bench, *flags, *strict])
        else:
            flags = ["-P", f"{bench}.{setting}"] if setting else []
            program = f"{bench}.vvp"
            result.append(["iverilog", "-g2012", *flags, "-o", program, "-s", bench, DESIGN, f"{bench}.sv"])
            result.append(["vvp", "-n", program])
    return result


def digits(width: int) -> int:
    """Return the number of hexadecimal digits of a word."""
    return -(-width // 4)


def filled(text: str, values: Mapping[str, object]) -> str:
    """Replace every @KEY@ in a text by its value."""
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    return text


NOTE = "# A warning counts as a failure, because it means that a number was truncated.\n"
DESIGN = "DESIGN"  # in a command, the files of the design in their order

# In a folder for what the simulator writes, where all files are linked.
RUN_SHELL = """\
#!/bin/sh
# Simulate in @TOOL@. The exit status is 0 if everything is as expected.
@NOTE@set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cd "$work"
ln -s "$here"/* .
@COMMANDS@
"""

# Without links and without a shell, so that it runs on Windows too; values are filled in from the first to the last.
RUN_PYTHON = """\
\"\"\"Simulate in @TOOL@, on any system with Python: the exit status is 0 if everything is as expected.\"\"\"
@NOTE@
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DESIGN = (HERE / "@NAME@.f").read_text(encoding="utf-8").split()
COMMANDS = [
@COMMANDS@
]


def main():
    missing = [tool for tool in {command[0] for command in COMMANDS} if shutil.which(tool) is None]
    if missing:
        print(f"{', '.join(missing)} not found; install @TOOL@", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as work:  # for what the simulator writes
        for path in HERE.iterdir():
            if path.is_file():
                shutil.copy(path, work)
        for command in COMMANDS:
            status = subprocess.run(command, cwd=work).returncode
            if status:
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
"""

VHDL = """\
-- Sends a load and images to @NAME@; compares every beat of every answer, and its number of cycles.
-- VHDL-2008; needs no library beyond ieee and std.
-- Each line of load.txt, images.txt and expected.txt is one beat: tlast, and then tdata in hexadecimal.

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use std.textio.all;
use std.env.all;

entity @NAME@_bench is
    generic (
        load_file: string := "load.txt";
        images_file: string := "images.txt";
        expected_file: string := "expected.txt";
        labels_file: string := "labels.txt";  -- may be missing
        rest: natural := @REST@;  -- cycles after an answer in which the rest of an image that ended early is dropped
        most_cycles: positive := @MOST@  -- a longer run fails
    );
end entity;

architecture simulation of @NAME@_bench is
    signal clk: std_logic := '0';
    signal rst: std_logic := '1';
    signal s_load_tdata: std_logic_vector(@LOAD_LEFT@ downto 0) := (others => '0');
    signal s_input_tdata: std_logic_vector(@INPUT_LEFT@ downto 0) := (others => '0');
    signal m_output_tdata: std_logic_vector(@OUTPUT_LEFT@ downto 0);
    signal s_load_tvalid, s_load_tlast, s_input_tvalid, s_input_tlast: std_logic := '0';
    signal s_load_tready, s_input_tready, m_output_tvalid, m_output_tlast: std_logic;
    signal loaded, load_error, input_error: std_logic;
    signal cycle: natural := 0;
    signal taken: natural := 0;  -- the cycle in which the first word of the image is taken
    signal answers: natural := 0;
    signal done: boolean := false;

    procedure say(words: string) is
        variable text_line: line;
    begin
        write(text_line, words);
        writeline(output, text_line);
    end procedure;
begin
    clk <= not clk after 5 ns;

    under_test: entity work.@NAME@ port map (
        clk => clk, rst => rst, flush => '0', s_load_tdata => s_load_tdata, s_load_tvalid => s_load_tvalid,
        s_load_tready => s_load_tready, s_load_tlast => s_load_tlast, s_input_tdata => s_input_tdata,
        s_input_tvalid => s_input_tvalid, s_input_tready => s_input_tready, s_input_tlast => s_input_tlast,
        m_output_tdata => m_output_tdata, m_output_tvalid => m_output_tvalid, m_output_tready => '1',
        m_output_tlast => m_output_tlast, loaded => loaded, load_error => load_error,
        input_error => input_error@PROBES@);

    host: process
        file load: text open read_mode is load_file;
        file images: text open read_mode is images_file;
        variable text_line: line;
        variable last: natural;
        variable load_word: std_logic_vector(@LOAD_DIGITS@ downto 0);
        variable input_word: std_logic_vector(@INPUT_DIGITS@ downto 0);
        variable sent: natural := 0;
        variable first: boolean := true;
    begin
        for i in 1 to 3 loop
            wait until rising_edge(clk);
        end loop;
        rst <= '0';
        while not endfile(load) loop
            readline(load, text_line);
            read(text_line, last);
            hread(text_line, load_word);
            s_load_tdata <= load_word(s_load_tdata'range);
            s_load_tvalid <= '1';
            s_load_tlast <= to_unsigned(last, 1)(0);
            wait until rising_edge(clk) and s_load_tready = '1';
        end loop;
        s_load_tvalid <= '0';
        while not endfile(images) loop
            readline(images, text_line);
            read(text_line, last);
            hread(text_line, input_word);
            s_input_tdata <= input_word(s_input_tdata'range);
            s_input_tvalid <= '1';
            s_input_tlast <= to_unsigned(last, 1)(0);
            wait until rising_edge(clk) and s_input_tready = '1';
            if first then
                taken <= cycle;
            end if;
            first := last = 1;
            if last = 1 then  -- the next image enters an empty accelerator
                s_input_tvalid <= '0';
                sent := sent + 1;
                while answers < sent loop
                    wait until rising_edge(clk);
                end loop;
                for i in 1 to rest loop
                    wait until rising_edge(clk);
                end loop;
            end if;
        end loop;
        for i in 1 to 16 loop  -- no further beat may come
            wait until rising_edge(clk);
        end loop;
        done <= true;
        wait;
    end process;

    check: process (clk)
        file expected: text open read_mode is expected_file;
        variable text_line: line;
        variable last: natural;
        variable word: std_logic_vector(@OUTPUT_DIGITS@ downto 0) := (others => '0');
        variable answer: std_logic_vector(m_output_tdata'range) := (others => '0');  -- the beat before the last one
        variable beats, differences: natural := 0;
        file labels: text;
        variable status: file_open_status := name_error;
        variable label_number: integer;
        variable is_number: boolean;

        -- The true class of the next image, if labels.txt has it.
        impure function label_words return string is
        begin
            if status = open_ok and not endfile(labels) then
                readline(labels, text_line);
                read(text_line, label_number, is_number);
                if is_number then
                    return " (label " & integer'image(label_number) & ")";
                end if;
            end if;
            return "";
        end function;
    begin
        if rising_edge(clk) then
            if cycle = 0 then
                file_open(status, labels, labels_file, read_mode);
            end if;
            cycle <= cycle + 1;
            if s_load_tvalid = '1' and s_load_tready = '1' and s_load_tlast = '1' then
                say("load: " & natural'image(cycle + 1) & " cycles");
            end if;
            if m_output_tvalid = '1' then
                beats := beats + 1;
                if endfile(expected) then
                    differences := differences + 1;
                    say("beat " & natural'image(beats) & ": no beat was expected");
                else
                    readline(expected, text_line);
                    read(text_line, last);
                    hread(text_line, word);
                    if m_output_tdata /= word(m_output_tdata'range) or m_output_tlast /= to_unsigned(last, 1)(0) then
                        differences := differences + 1;
                        say("beat " & natural'image(beats) & ": " & to_hstring(m_output_tdata) & ", expected "
                            & to_hstring(word(m_output_tdata'range)) & ", tlast " & std_logic'image(m_output_tlast));
                    end if;
                end if;
                if m_output_tlast = '1' then
                    say("image " & natural'image(answers) & ": " & natural'image(cycle - taken + 1) & " cycles, answer "
                        & natural'image(to_integer(resize(unsigned(answer), 16))) & label_words);
                    if to_unsigned(cycle - taken + 1, word'length) /= unsigned(word) then
                        differences := differences + 1;
                        say("the number of cycles differs from the expected one");
                    end if;
                    answers <= answers + 1;
                end if;
                answer := m_output_tdata;
            end if;
            if done or cycle = most_cycles then
                say("images " & natural'image(answers) & ", beats compared " & natural'image(beats) & ", differences "
                    & natural'image(differences) & ", cycles with load and pauses " & natural'image(cycle));
                if not done then
                    say("timeout: the test has not ended after " & natural'image(cycle) & " cycles");
                end if;
                if not endfile(expected) then
                    say("expected beats are missing");
                end if;
                if loaded /= '1' or load_error /= '0' or input_error /= '0' then
                    say("loaded, load_error and input_error should be 1, 0 and 0");
                end if;
                if done and differences = 0 and answers > 0 and endfile(expected) and loaded = '1' and load_error = '0'
                    and input_error = '0' then
                    say("PASS");
                    finish;
                else
                    say("FAIL");
                    report "FAIL" severity failure;
                end if;
            end if;
        end if;
    end process;
end architecture;
"""

VERILOG = """\
// Sends a load and images to @NAME@; compares every beat of every answer, and its number of cycles.
// This is SystemVerilog only because it uses $fatal.
// Each line of load.txt, images.txt and expected.txt is one beat: tlast, and then tdata in hexadecimal.

`timescale 1ns/1ps

module @NAME@_bench;
    parameter load_file = "load.txt";
    parameter images_file = "images.txt";
    parameter expected_file = "expected.txt";
    parameter labels_file = "labels.txt";  // may be missing
    parameter rest = @REST@;  // cycles after an answer in which the rest of an image that ended early is dropped
    parameter most_cycles = @MOST@;  // a longer run fails

    reg clk = 0, rst = 1;
    reg [@LOAD_LEFT@:0] s_load_tdata = 0, load_word;
    reg [@INPUT_LEFT@:0] s_input_tdata = 0, input_word;
    reg [@OUTPUT_LEFT@:0] word = 0, answer = 0;  // answer: the beat before the last one
    wire [@OUTPUT_LEFT@:0] m_output_tdata;
    reg s_load_tvalid = 0, s_load_tlast = 0, s_input_tvalid = 0, s_input_tlast = 0;
    wire s_load_tready, s_input_tready, m_output_tvalid, m_output_tlast, loaded, load_error, input_error;
    integer load, images, expected, labels, last, last_expected, label;
    integer cycle = 0, taken = 0, answers = 0, sent = 0, beats = 0, differences = 0, missing = 0;
    reg first = 1, done = 0, load_taken = 0, input_taken = 0;

    always #5 clk = !clk;

    @NAME@ under_test (
        .clk(clk), .rst(rst), .flush(1'b0), .s_load_tdata(s_load_tdata), .s_load_tvalid(s_load_tvalid),
        .s_load_tready(s_load_tready), .s_load_tlast(s_load_tlast), .s_input_tdata(s_input_tdata),
        .s_input_tvalid(s_input_tvalid), .s_input_tready(s_input_tready), .s_input_tlast(s_input_tlast),
        .m_output_tdata(m_output_tdata), .m_output_tvalid(m_output_tvalid), .m_output_tready(1'b1),
        .m_output_tlast(m_output_tlast), .loaded(loaded), .load_error(load_error),
        .input_error(input_error)@PROBES@);

    initial begin
        load = $fopen(load_file, "r");
        images = $fopen(images_file, "r");
        expected = $fopen(expected_file, "r");
        if (load == 0 || images == 0 || expected == 0)
            $fatal(1, "FAIL: cannot open load_file, images_file or expected_file");
        labels = $fopen(labels_file, "r");
        repeat (3) @(negedge clk);  // inputs change at the falling edge, so that there is no race in any simulator
        rst = 0;
        while ($fscanf(load, "%d %h", last, load_word) == 2) begin
            s_load_tdata = load_word;
            s_load_tvalid = 1;
            s_load_tlast = last[0];
            @(negedge clk);
            while (!load_taken) @(negedge clk);
        end
        s_load_tvalid = 0;
        while ($fscanf(images, "%d %h", last, input_word) == 2) begin
            s_input_tdata = input_word;
            s_input_tvalid = 1;
            s_input_tlast = last[0];
            @(negedge clk);
            while (!input_taken) @(negedge clk);
            if (last == 1) begin  // the next image enters an empty accelerator
                s_input_tvalid = 0;
                sent = sent + 1;
                while (answers < sent) @(negedge clk);
                repeat (rest) @(negedge clk);
            end
        end
        repeat (16) @(negedge clk);  // no further beat may come
        done = 1;
    end

    always @(posedge clk) begin
        cycle <= cycle + 1;
        if (s_load_tvalid && s_load_tready === 1 && s_load_tlast) $display("load: %0d cycles", cycle + 1);
        load_taken <= s_load_tvalid && s_load_tready === 1;
        input_taken <= s_input_tvalid && s_input_tready === 1;
        if (s_input_tvalid && s_input_tready === 1) begin
            if (first) taken <= cycle;
            first <= s_input_tlast;
        end
        if (m_output_tvalid === 1) begin
            beats = beats + 1;
            if ($fscanf(expected, "%d %h", last_expected, word) != 2) begin
                differences = differences + 1;
                $display("beat %0d: no beat was expected", beats);
            end else if (m_output_tdata !== word || m_output_tlast !== last_expected[0]) begin
                differences = differences + 1;
                $display("beat %0d: %h, expected %h, tlast %b", beats, m_output_tdata, word, m_output_tlast);
            end
            if (m_output_tlast === 1) begin
                $write("image %0d: %0d cycles, answer %0d", answers, cycle - taken + 1, answer);
                if (labels != 0) begin  // Icarus evaluates both sides of &&
                    if ($fscanf(labels, "%d", label) == 1) $write(" (label %0d)", label);
                end
                $write("\\n");
                if (cycle - taken + 1 != word) begin
                    differences = differences + 1;
                    $display("the number of cycles differs from the expected one");
                end
                answers <= answers + 1;
            end
            answer = m_output_tdata;
        end
        if (done || cycle == most_cycles) begin
            missing = $fscanf(expected, "%d %h", last_expected, word) > 0;
            $display("images %0d, beats compared %0d, differences %0d, cycles with load and pauses %0d", answers, beats,
                differences, cycle);
            if (!done) $display("timeout: the test has not ended after %0d cycles", cycle);
            if (missing) $display("expected beats are missing");
            if ({loaded, load_error, input_error} !== 3'b100)
                $display("loaded, load_error and input_error should be 1, 0 and 0");
            if (done && differences == 0 && answers > 0 && !missing
                && {loaded, load_error, input_error} === 3'b100) begin
                $display("PASS");
                $finish;
            end else begin
                $display("FAIL");
                $fatal(1, "FAIL");
            end
        end
    end
endmodule
"""
