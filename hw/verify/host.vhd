-- The accelerator's host in VHDL: sends the load and image after image, and writes records of what the probe shows and
-- the accelerator answers. host.cpp does the same for Verilator.
--
-- The numbers are in the package constants, which hw/verify/hdl_host.py writes. Each line of ../load.txt is a beat of
-- the load, each line of images.txt a word of the input, in hexadecimal. A record in the file "records" is RECORD_SIZE
-- integers:
--     0   kind: 0 a firing, 1 events, 2 a beat of the answer, 3 nothing of the image is left
--     1   layer, from 0; of a beat: 1 if it is the last of the answer, else 0
--     2   cycle, counted from the one in which the image's first word was taken
--     3   address of the neurons; of events: their four bits
--     4.. of a firing: membrane * 2 + spike of each lane
--         of a beat: its low and its high 32 bits, sign extended

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use std.textio.all;
use work.constants.all;

entity bench is
end entity;

architecture host of bench is
    type record_fields is array (0 to RECORD_SIZE - 1) of integer;
    type record_file is file of record_fields;

    signal clk, rst: std_logic := '0';
    signal s_load_tdata: unsigned(LOAD_BITS - 1 downto 0) := (others => '0');
    signal s_input_tdata: unsigned(INPUT_BITS - 1 downto 0) := (others => '0');
    signal m_output_tdata: unsigned(OUTPUT_BITS - 1 downto 0);
    signal s_load_tvalid, s_load_tlast, s_input_tvalid, s_input_tlast, m_output_tready: std_logic := '0';
    signal s_load_tready, s_input_tready, m_output_tvalid, m_output_tlast: std_logic;
    signal loaded, load_error, input_error: std_logic;
    signal probe_events: unsigned(4 * LAYERS - 1 downto 0);
    signal probe_fired: unsigned(LAYERS - 1 downto 0);
    signal probe_address: unsigned(ADDRESS_AT(LAYERS) - 1 downto 0);
    signal probe_spikes: unsigned(SPIKES_AT(LAYERS) - 1 downto 0);
    signal probe_before: unsigned(BEFORE_AT(LAYERS) - 1 downto 0);

    -- Read a line of hexadecimal digits, as many as `bits` needs.
    procedure read_word(file source: text; bits: out unsigned) is
        variable digits: line;
        variable value: std_logic_vector((bits'length + 3) / 4 * 4 - 1 downto 0);
    begin
        readline(source, digits);
        hread(digits, value);
        bits := unsigned(value(bits'length - 1 downto 0));
    end procedure;
begin
    under_test: entity work.dut port map (
        clk => clk, rst => rst, flush => '0', s_load_tdata => s_load_tdata, s_load_tvalid => s_load_tvalid,
        s_load_tlast => s_load_tlast, s_input_tdata => s_input_tdata, s_input_tvalid => s_input_tvalid,
        s_input_tlast => s_input_tlast, m_output_tready => m_output_tready, s_load_tready => s_load_tready,
        s_input_tready => s_input_tready, m_output_tdata => m_output_tdata, m_output_tvalid => m_output_tvalid,
        m_output_tlast => m_output_tlast, loaded => loaded, load_error => load_error, input_error => input_error,
        probe_events => probe_events, probe_fired => probe_fired, probe_address => probe_address,
        probe_spikes => probe_spikes, probe_before => probe_before);

    process
        file load: text open read_mode is "../load.txt";
        file images: text open read_mode is "images.txt";
        file records: record_file open write_mode is "records";
        variable beat: unsigned(LOAD_BITS - 1 downto 0);
        variable word: unsigned(INPUT_BITS - 1 downto 0);
        variable wide: signed(63 downto 0);
        variable fields: record_fields;
        variable loading: boolean := true;
        variable over: boolean := true;  -- the last image sent is answered, and nothing of it is left
        variable more: boolean := true;  -- `word` has yet to be sent
        variable at, cycle, next_word, first, progress: integer := 0;
        variable answered: integer := -1;  -- cycle of the answer to the present image
        variable low: integer;

        procedure put(kind, layer, address: integer) is
        begin
            fields(0 to 3) := (kind, layer, cycle - first, address);
            write(records, fields);
            fields := (others => 0);
        end procedure;
    begin
        fields := (others => 0);
        read_word(load, beat);
        read_word(images, word);
        loop
            rst <= '1' when cycle < 2 else '0';
            m_output_tready <= '1';
            s_load_tvalid <= '1' when cycle >= 2 and loading else '0';
            s_load_tdata <= beat;
            s_load_tlast <= '1' when endfile(load) else '0';
            s_input_tvalid <= '1' when more and not loading and (at > 0 or over) and cycle >= next_word else '0';
            s_input_tdata <= word;
            s_input_tlast <= '1' when at = WORDS - 1 else '0';
            wait for 5 ns;
            if s_load_tvalid and s_load_tready then
                progress := cycle;
                loading := not endfile(load);
                if loading then
                    read_word(load, beat);
                end if;
            end if;
            if s_input_tvalid and s_input_tready then
                if at = 0 then
                    first := cycle;
                    over := false;
                    answered := -1;
                end if;
                next_word := cycle + WORD_EVERY;
                at := (at + 1) mod WORDS;
                more := not endfile(images);
                if more then
                    read_word(images, word);
                end if;
            end if;
            for l in 0 to LAYERS - 1 loop
                if not loading and cycle >= 2 and probe_events(4 * l + 3 downto 4 * l) /= 0 then
                    put(1, l, to_integer(probe_events(4 * l + 3 downto 4 * l)));
                end if;
                if cycle >= 2 and probe_fired(l) = '1' then
                    for i in 0 to NEURONS(l) - 1 loop
                        low := BEFORE_AT(l) + i * MEMBRANE_BITS(l);
                        fields(4 + i) := to_integer(signed(probe_before(low + MEMBRANE_BITS(l) - 1 downto low))
                                                      & probe_spikes(SPIKES_AT(l) + i));
                    end loop;
                    put(0, l, to_integer(probe_address(ADDRESS_AT(l + 1) - 1 downto ADDRESS_AT(l))));
                end if;
            end loop;
            if cycle >= 2 and m_output_tvalid = '1' then
                wide := resize(signed(m_output_tdata), 64);
                fields(4) := to_integer(wide(31 downto 0));
                fields(5) := to_integer(wide(63 downto 32));
                if m_output_tlast then
                    progress := cycle;
                    answered := cycle;
                    put(2, 1, 0);
                else
                    put(2, 0, 0);
                end if;
            end if;
            if not over and answered >= 0 and at = 0 and cycle >= answered + REST then
                over := true;
                put(3, 0, 0);
                exit when not more;
            end if;
            exit when cycle - progress > LIMIT;  -- the accelerator has stopped
            clk <= '1';
            wait for 5 ns;
            clk <= '0';
            cycle := cycle + 1;
        end loop;
        wait;
    end process;
end architecture;
