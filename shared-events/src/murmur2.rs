//! The partitioner's hash, as Java's clients compute it. librdkafka's `murmur2_random` agrees.

/// The partition of a record with this key, of `partitions`, which must be at least 1.
///
/// Not every producer asks this way: use it to look first where a record probably is, never to rule
/// out another partition.
///
/// # Panics
/// If `partitions` is less than 1.
#[must_use]
pub fn partition(key: &[u8], partitions: i32) -> i32 {
    assert!(0 < partitions, "a topic has at least one partition");
    // Java's toPositive clears the sign; it is not the absolute value.
    (murmur2(key) & 0x7FFF_FFFF) % partitions
}

/// Kafka's variant of 32-bit MurmurHash2 (`org.apache.kafka.common.utils.Utils.murmur2`): a fixed
/// seed, and a signed result.
#[must_use]
pub fn murmur2(bytes: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;

    let (words, tail) = bytes.as_chunks::<4>();
    // Java's lengths are ints, so only their 32 bits count.
    let mut hash = SEED ^ (bytes.len() as u32);
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        for (place, byte) in tail.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^= hash >> 15;
    hash.cast_signed()
}
