"""Testbenches of the design behind AXI that need nothing but a simulator.

A testbench reads `load.txt`, `images.txt` and `expected.txt`, a beat a line: `tlast`, `tkeep` as a number, and `tdata`
in hexadecimal. A line of `expected.txt` ends with a mask: the bits of `tdata` that are compared. It sends the load and
all images, and compares every beat of the answers. Then it reads registers through AXI4-Lite: the design, the status,
and the number of answers. With the generic `pause`, each stream rests so many cycles after a beat.
"""

from collections.abc import Iterable

from ..delivery.benches import filled
from ..load_format import design_word
from ..spec import AcceleratorSpec
from .registers import AT_ANSWERS, AT_DESIGN, AT_OUTPUT_WAITS, AT_STATUS

PAUSES = (0, 3)  # cycles after each beat, in one run of the testbench after the other


def bench(hdl: str, name: str, spec: AcceleratorSpec, stream_bits: int, images: int, beats: int) -> str:
    """Return the testbench; it fails if `images` images, of all `beats` with load and answers, take too long."""
    values: dict[str, object] = {"NAME": name, "LEFT": stream_bits - 1, "KEEP_LEFT": stream_bits // 8 - 1}
    values |= {
        "IMAGES": images,
        "MOST": 2 * (max(PAUSES) + 1) * beats + images * 1_000_000,
        "DESIGN": f"{design_word(spec):08X}",
    }
    values |= {
        "AT_DESIGN": AT_DESIGN,
        "AT_STATUS": AT_STATUS,
        "AT_ANSWERS": AT_ANSWERS,
        "AT_NOTHING": AT_OUTPUT_WAITS + 4,
    }
    return filled(VHDL if hdl == "vhdl" else VERILOG, values)


def beats_of(packets: Iterable[bytes], stream_bits: int, hidden: int = 0) -> str:
    """Return packets as lines of beats; with `hidden`, also masks that leave out the last bytes of each packet."""
    size, lines = stream_bits // 8, []
    for packet in packets:
        compared = b"\xff" * (len(packet) - hidden) + bytes(hidden)
        for at in range(0, len(packet), size):
            part, mask = packet[at : at + size], compared[at : at + size]
            words = [f"{int.from_bytes(each, 'little'):0{2 * size}X}" for each in ((part, mask) if hidden else (part,))]
            lines.append(f"{int(at + size >= len(packet))} {(1 << len(part)) - 1} {' '.join(words)}\n")
    return "".join(lines)


VHDL = """\
-- Sends a load and images to @NAME@ through AXI4-Stream, compares every answer, and reads registers through AXI4-Lite.
-- VHDL-2008; needs no library beyond ieee and std.
-- Each line of load.txt, images.txt and expected.txt is one beat: tlast, tkeep as a number, and tdata in hexadecimal.
-- Those of expected.txt end with a mask of the bits that are compared.

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
        pause: natural := 0;  -- cycles without tvalid, and without tready, after each beat
        most_cycles: positive := @MOST@  -- a longer run fails
    );
end entity;

architecture simulation of @NAME@_bench is
    signal aclk: std_logic := '0';
    signal aresetn: std_logic := '0';
    signal s_axis_load_tdata, s_axis_input_tdata: std_logic_vector(@LEFT@ downto 0) := (others => '0');
    signal s_axis_load_tkeep, s_axis_input_tkeep: std_logic_vector(@KEEP_LEFT@ downto 0) := (others => '0');
    signal s_axis_load_tvalid, s_axis_load_tlast, s_axis_input_tvalid, s_axis_input_tlast: std_logic := '0';
    signal s_axis_load_tready, s_axis_input_tready, m_axis_output_tvalid, m_axis_output_tlast: std_logic;
    signal m_axis_output_tdata: std_logic_vector(@LEFT@ downto 0);
    signal m_axis_output_tkeep: std_logic_vector(@KEEP_LEFT@ downto 0);
    signal m_axis_output_tready: std_logic := '0';
    signal s_axi_araddr: std_logic_vector(7 downto 0) := (others => '0');
    signal s_axi_arvalid, s_axi_rready: std_logic := '0';
    signal s_axi_arready, s_axi_rvalid: std_logic;
    signal s_axi_rdata: std_logic_vector(31 downto 0);
    signal s_axi_rresp: std_logic_vector(1 downto 0);
    signal cycle, answers, differences: natural := 0;
    signal faults: natural := 0;  -- in registers
    signal done: boolean := false;

    procedure say(words: string) is
        variable text_line: line;
    begin
        write(text_line, words);
        writeline(output, text_line);
    end procedure;
begin
    aclk <= not aclk after 5 ns;

    under_test: entity work.@NAME@ port map (
        aclk => aclk, aresetn => aresetn,
        s_axis_load_tdata => s_axis_load_tdata, s_axis_load_tkeep => s_axis_load_tkeep,
        s_axis_load_tvalid => s_axis_load_tvalid, s_axis_load_tready => s_axis_load_tready,
        s_axis_load_tlast => s_axis_load_tlast,
        s_axis_input_tdata => s_axis_input_tdata, s_axis_input_tkeep => s_axis_input_tkeep,
        s_axis_input_tvalid => s_axis_input_tvalid, s_axis_input_tready => s_axis_input_tready,
        s_axis_input_tlast => s_axis_input_tlast,
        m_axis_output_tdata => m_axis_output_tdata, m_axis_output_tkeep => m_axis_output_tkeep,
        m_axis_output_tvalid => m_axis_output_tvalid, m_axis_output_tready => m_axis_output_tready,
        m_axis_output_tlast => m_axis_output_tlast,
        s_axi_awaddr => (others => '0'), s_axi_awvalid => '0', s_axi_awready => open,
        s_axi_wdata => (others => '0'), s_axi_wstrb => (others => '0'), s_axi_wvalid => '0', s_axi_wready => open,
        s_axi_bresp => open, s_axi_bvalid => open, s_axi_bready => '0',
        s_axi_araddr => s_axi_araddr, s_axi_arvalid => s_axi_arvalid, s_axi_arready => s_axi_arready,
        s_axi_rdata => s_axi_rdata, s_axi_rresp => s_axi_rresp, s_axi_rvalid => s_axi_rvalid,
        s_axi_rready => s_axi_rready);

    host: process
        file load: text open read_mode is load_file;
        file images: text open read_mode is images_file;
        variable text_line: line;
        variable last, keep: natural;
        variable data: std_logic_vector(@LEFT@ downto 0);

        procedure rest(cycles: natural) is
        begin
            for i in 1 to cycles loop
                wait until rising_edge(aclk);
            end loop;
        end procedure;

        procedure expect(what: string; address: natural; value, resp: std_logic_vector) is
        begin
            s_axi_araddr <= std_logic_vector(to_unsigned(address, 8));
            s_axi_arvalid <= '1';
            wait until rising_edge(aclk) and s_axi_arready = '1';
            s_axi_arvalid <= '0';
            s_axi_rready <= '1';
            wait until rising_edge(aclk) and s_axi_rvalid = '1';
            s_axi_rready <= '0';
            if s_axi_rdata /= value or s_axi_rresp /= resp then
                say(what & " is " & to_hstring(s_axi_rdata) & ", expected " & to_hstring(value));
                faults <= faults + 1;
                wait for 0 ns;
            end if;
        end procedure;
    begin
        rest(3);
        aresetn <= '1';
        expect("the status before the load", @AT_STATUS@, x"00000000", "00");
        expect("the design", @AT_DESIGN@, x"@DESIGN@", "00");
        while not endfile(load) loop
            readline(load, text_line);
            read(text_line, last);
            read(text_line, keep);
            hread(text_line, data);
            s_axis_load_tdata <= data;
            s_axis_load_tkeep <= std_logic_vector(to_unsigned(keep, @KEEP_LEFT@ + 1));
            s_axis_load_tlast <= to_unsigned(last, 1)(0);
            s_axis_load_tvalid <= '1';
            wait until rising_edge(aclk) and s_axis_load_tready = '1';
            s_axis_load_tvalid <= '0';
            rest(pause);
        end loop;
        while not endfile(images) loop
            readline(images, text_line);
            read(text_line, last);
            read(text_line, keep);
            hread(text_line, data);
            s_axis_input_tdata <= data;
            s_axis_input_tkeep <= std_logic_vector(to_unsigned(keep, @KEEP_LEFT@ + 1));
            s_axis_input_tlast <= to_unsigned(last, 1)(0);
            s_axis_input_tvalid <= '1';
            wait until rising_edge(aclk) and s_axis_input_tready = '1';
            s_axis_input_tvalid <= '0';
            rest(pause);
        end loop;
        while answers < @IMAGES@ loop
            wait until rising_edge(aclk);
        end loop;
        rest(16);  -- no further beat may come
        expect("the status, of which the bit loaded alone should be 1,", @AT_STATUS@, x"00000001", "00");
        expect("the number of answers", @AT_ANSWERS@, std_logic_vector(to_unsigned(@IMAGES@, 32)), "00");
        expect("where no register is", @AT_NOTHING@, x"00000000", "10");
        done <= true;
        wait;
    end process;

    check: process (aclk)
        file expected: text open read_mode is expected_file;
        variable text_line: line;
        variable last, keep: natural;
        variable data, mask: std_logic_vector(@LEFT@ downto 0);
        variable quiet, beats: natural := 0;
    begin
        if rising_edge(aclk) then
            cycle <= cycle + 1;
            if m_axis_output_tvalid = '1' and m_axis_output_tready = '1' then
                beats := beats + 1;
                quiet := pause;
                if endfile(expected) then
                    differences <= differences + 1;
                    say("beat " & natural'image(beats) & ": no beat was expected");
                else
                    readline(expected, text_line);
                    read(text_line, last);
                    read(text_line, keep);
                    hread(text_line, data);
                    hread(text_line, mask);
                    if (m_axis_output_tdata and mask) /= (data and mask) or unsigned(m_axis_output_tkeep) /= keep
                        or m_axis_output_tlast /= to_unsigned(last, 1)(0) then
                        differences <= differences + 1;
                        say("beat " & natural'image(beats) & ": " & to_hstring(m_axis_output_tdata) & ", expected "
                            & to_hstring(data) & ", in the bits " & to_hstring(mask));
                    end if;
                end if;
                if m_axis_output_tlast = '1' then
                    answers <= answers + 1;
                end if;
            elsif quiet > 0 then
                quiet := quiet - 1;
            end if;
            m_axis_output_tready <= '1' when quiet = 0 else '0';
            if done or cycle = most_cycles then
                say("images " & natural'image(answers) & ", beats compared " & natural'image(beats) & ", differences "
                    & natural'image(differences + faults) & ", pause " & natural'image(pause) & ", cycles "
                    & natural'image(cycle));
                if done and differences + faults = 0 and answers = @IMAGES@ and endfile(expected) then
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
// Sends a load and images to @NAME@ through AXI4-Stream, compares every answer, and reads registers through AXI4-Lite.
// This is SystemVerilog only because it uses $fatal.
// Each line of load.txt, images.txt and expected.txt is one beat: tlast, tkeep as a number, and tdata in hexadecimal.
// Those of expected.txt end with a mask of the bits that are compared.

`timescale 1ns/1ps

module @NAME@_bench;
    parameter load_file = "load.txt";
    parameter images_file = "images.txt";
    parameter expected_file = "expected.txt";
    parameter pause = 0;  // cycles without tvalid, and without tready, after each beat
    parameter most_cycles = @MOST@;  // a longer run fails

    reg aclk = 0, aresetn = 0;
    reg [@LEFT@:0] s_axis_load_tdata = 0, s_axis_input_tdata = 0, data, mask, word;
    reg [@KEEP_LEFT@:0] s_axis_load_tkeep = 0, s_axis_input_tkeep = 0;
    reg s_axis_load_tvalid = 0, s_axis_load_tlast = 0, s_axis_input_tvalid = 0, s_axis_input_tlast = 0;
    reg m_axis_output_tready = 0, s_axi_arvalid = 0, s_axi_rready = 0;
    reg [7:0] s_axi_araddr = 0;
    wire s_axis_load_tready, s_axis_input_tready, m_axis_output_tvalid, m_axis_output_tlast;
    wire s_axi_arready, s_axi_rvalid;
    wire [@LEFT@:0] m_axis_output_tdata;
    wire [@KEEP_LEFT@:0] m_axis_output_tkeep;
    wire [31:0] s_axi_rdata;
    wire [1:0] s_axi_rresp;
    integer load, images, expected, last, keep, last_expected, keep_expected;
    integer cycle = 0, answers = 0, beats = 0, differences = 0, faults = 0, quiet = 0;
    reg done = 0, load_taken = 0, input_taken = 0, read_taken = 0, value_taken = 0, missing = 0;
    reg [31:0] value;
    reg [1:0] resp;

    always #5 aclk = !aclk;

    @NAME@ under_test (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_load_tdata(s_axis_load_tdata), .s_axis_load_tkeep(s_axis_load_tkeep),
        .s_axis_load_tvalid(s_axis_load_tvalid), .s_axis_load_tready(s_axis_load_tready),
        .s_axis_load_tlast(s_axis_load_tlast),
        .s_axis_input_tdata(s_axis_input_tdata), .s_axis_input_tkeep(s_axis_input_tkeep),
        .s_axis_input_tvalid(s_axis_input_tvalid), .s_axis_input_tready(s_axis_input_tready),
        .s_axis_input_tlast(s_axis_input_tlast),
        .m_axis_output_tdata(m_axis_output_tdata), .m_axis_output_tkeep(m_axis_output_tkeep),
        .m_axis_output_tvalid(m_axis_output_tvalid), .m_axis_output_tready(m_axis_output_tready),
        .m_axis_output_tlast(m_axis_output_tlast),
        .s_axi_awaddr(8'd0), .s_axi_awvalid(1'b0), .s_axi_awready(),
        .s_axi_wdata(32'd0), .s_axi_wstrb(4'd0), .s_axi_wvalid(1'b0), .s_axi_wready(),
        .s_axi_bresp(), .s_axi_bvalid(), .s_axi_bready(1'b0),
        .s_axi_araddr(s_axi_araddr), .s_axi_arvalid(s_axi_arvalid), .s_axi_arready(s_axi_arready),
        .s_axi_rdata(s_axi_rdata), .s_axi_rresp(s_axi_rresp), .s_axi_rvalid(s_axi_rvalid),
        .s_axi_rready(s_axi_rready));

    task expect_register(input [7:0] address, input [31:0] wanted, input [1:0] wanted_resp);
        begin
            s_axi_araddr = address;
            s_axi_arvalid = 1;
            @(negedge aclk);
            while (!read_taken) @(negedge aclk);
            s_axi_arvalid = 0;
            s_axi_rready = 1;
            @(negedge aclk);
            while (!value_taken) @(negedge aclk);
            s_axi_rready = 0;
            if (value !== wanted || resp !== wanted_resp) begin
                $display("register %h is %h, expected %h", address, value, wanted);
                faults = faults + 1;
            end
        end
    endtask

    initial begin
        load = $fopen(load_file, "r");
        images = $fopen(images_file, "r");
        expected = $fopen(expected_file, "r");
        if (load == 0 || images == 0 || expected == 0)
            $fatal(1, "FAIL: cannot open load_file, images_file or expected_file");
        repeat (3) @(negedge aclk);  // inputs change at the falling edge, so that there is no race in any simulator
        aresetn = 1;
        @(negedge aclk);
        expect_register(8'd@AT_STATUS@, 0, 0);  // before the load
        expect_register(8'd@AT_DESIGN@, 32'h@DESIGN@, 0);
        while ($fscanf(load, "%d %d %h", last, keep, data) == 3) begin
            s_axis_load_tdata = data;
            s_axis_load_tkeep = keep;
            s_axis_load_tlast = last[0];
            s_axis_load_tvalid = 1;
            @(negedge aclk);
            while (!load_taken) @(negedge aclk);
            s_axis_load_tvalid = 0;
            repeat (pause) @(negedge aclk);
        end
        while ($fscanf(images, "%d %d %h", last, keep, data) == 3) begin
            s_axis_input_tdata = data;
            s_axis_input_tkeep = keep;
            s_axis_input_tlast = last[0];
            s_axis_input_tvalid = 1;
            @(negedge aclk);
            while (!input_taken) @(negedge aclk);
            s_axis_input_tvalid = 0;
            repeat (pause) @(negedge aclk);
        end
        while (answers < @IMAGES@) @(negedge aclk);
        repeat (16) @(negedge aclk);  // no further beat may come
        expect_register(8'd@AT_STATUS@, 1, 0);  // loaded, and no error
        expect_register(8'd@AT_ANSWERS@, @IMAGES@, 0);
        expect_register(8'd@AT_NOTHING@, 0, 2);  // no register
        done = 1;
    end

    always @(negedge aclk) m_axis_output_tready = quiet == 0;

    always @(posedge aclk) begin
        cycle <= cycle + 1;
        load_taken <= s_axis_load_tvalid && s_axis_load_tready === 1;
        input_taken <= s_axis_input_tvalid && s_axis_input_tready === 1;
        read_taken <= s_axi_arvalid && s_axi_arready === 1;
        value_taken <= s_axi_rready && s_axi_rvalid === 1;
        value <= s_axi_rdata;
        resp <= s_axi_rresp;
        if (m_axis_output_tvalid === 1 && m_axis_output_tready) begin
            beats = beats + 1;
            quiet = pause;
            if ($fscanf(expected, "%d %d %h %h", last_expected, keep_expected, word, mask) != 4) begin
                differences = differences + 1;
                $display("beat %0d: no beat was expected", beats);
            end else if ((m_axis_output_tdata & mask) !== (word & mask) || m_axis_output_tlast !== last_expected[0]
                || m_axis_output_tkeep !== keep_expected[@KEEP_LEFT@:0]) begin
                differences = differences + 1;
                $display("beat %0d: %h, expected %h, in the bits %h", beats, m_axis_output_tdata, word, mask);
            end
            if (m_axis_output_tlast === 1) answers = answers + 1;
        end else if (quiet > 0) quiet = quiet - 1;
        if (done || cycle == most_cycles) begin
            missing = $fscanf(expected, "%d", last_expected) > 0;
            $display("images %0d, beats compared %0d, differences %0d, pause %0d, cycles %0d", answers, beats,
                differences + faults, pause, cycle);
            if (done && differences + faults == 0 && answers == @IMAGES@ && !missing) begin
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
