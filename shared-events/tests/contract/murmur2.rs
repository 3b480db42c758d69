//! Kafka's own test vectors: `UtilsTest.testMurmur2` in its clients.

use shared_events::murmur2::{murmur2, partition};

#[test]
fn the_hash_is_that_of_the_java_client() {
    let vectors = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ];
    for (key, hash) in vectors {
        assert_eq!(murmur2(key.as_bytes()), hash, "{key}");
    }
}

#[test]
fn a_partition_is_the_hash_without_its_sign_modulo_the_partitions() {
    // -973932308 without its sign bit is 1173551340; its absolute value would give partition 2.
    assert_eq!(partition(b"21", 6), 1_173_551_340 % 6);
    assert_eq!(partition(b"abc", 6), 479_470_107 % 6);
    assert_eq!(partition(b"", 6), (murmur2(b"") & 0x7FFF_FFFF) % 6);
    for key in 0..1000 {
        assert!((0..6).contains(&partition(format!("{key}").as_bytes(), 6)));
        assert_eq!(partition(format!("{key}").as_bytes(), 1), 0);
    }
}
