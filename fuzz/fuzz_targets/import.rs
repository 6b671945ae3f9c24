#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| plandeck_fuzz::targets::import::run(data));
