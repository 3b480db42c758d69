//! The fuzzer's way in: `fuzz/run` starts it.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fuzz::check(input);
});
