#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| plandeck_fuzz::targets::catalog::run(data));
