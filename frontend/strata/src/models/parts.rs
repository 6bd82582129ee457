//! How the files of a repository are divided among layers.
//!
//! A layer is pushed, pulled and unpacked in one piece, and registries limit it: GitHub's to 10 GB,
//! Amazon's to 52,000 MiB. And it is moved only where its bytes are others: most commits on a hub
//! change a README, and no weights.

/// A file of so many bytes is a large one: weights, a dataset's tables.
const LARGE: u64 = 10_000_000;

/// With fewer bytes in large files a repository is one layer: an image can have few, and another
/// would spare little.
const WHOLE: u64 = 100_000_000;

/// So many bytes of large files are one layer; a file that has more is alone in its own.
const FULL: u64 = 4_000_000_000;

/// Divides files, each after its size, among `most` layers or fewer: the large ones in their
/// order, and all others in the last layer.
pub(super) fn divided<T>(files: Vec<(u64, T)>, most: usize) -> Vec<Vec<T>> {
    let is_large = |(size, _): &(u64, T)| *size >= LARGE;
    let sizes: Vec<u64> = files.iter().filter(|it| is_large(it)).map(|(size, _)| *size).collect();
    let total = sizes.iter().copied().fold(0, u64::saturating_add);
    if most < 2 || total < WHOLE {
        return vec![without_sizes(files)];
    }
    let (large, others): (Vec<_>, Vec<_>) = files.into_iter().partition(is_large);
    let mut large = large.into_iter();
    let take = |count| without_sizes(large.by_ref().take(count));
    let mut layers: Vec<Vec<T>> = counts(&sizes, most - 1).into_iter().map(take).collect();
    layers.push(without_sizes(others));
    layers
}

/// How many files each of `most` layers or fewer has: where these are too few, they are larger.
fn counts(sizes: &[u64], most: usize) -> Vec<usize> {
    let mut full = FULL;
    loop {
        let counts = filled(sizes, full);
        if counts.len() <= most {
            return counts;
        }
        full = full.saturating_add(full / 4);
    }
}

/// How many files each layer has, of which none but a single file has more bytes than `full`.
fn filled(sizes: &[u64], full: u64) -> Vec<usize> {
    let mut counts: Vec<usize> = Vec::new();
    let mut bytes: u64 = 0;
    for size in sizes {
        bytes = bytes.saturating_add(*size);
        match counts.last_mut() {
            Some(count) if bytes <= full => *count += 1,
            _ => {
                counts.push(1);
                bytes = *size;
            }
        }
    }
    counts
}

fn without_sizes<T>(files: impl IntoIterator<Item = (u64, T)>) -> Vec<T> {
    files.into_iter().map(|(_, file)| file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    /// Which files each layer has.
    fn of(megabytes: &[u64], most: usize) -> Vec<Vec<usize>> {
        let sizes = megabytes.iter().map(|size| size.saturating_mul(MB));
        divided(sizes.zip(0..).collect(), most)
    }

    #[test]
    fn large_files_are_apart_from_small_ones() {
        for (megabytes, expected) in [
            // all-MiniLM, and one that is a little larger.
            (&[0, 90, 1][..], &[&[0, 1, 2][..]][..]),
            (&[0, 100, 1], &[&[1], &[0, 2]]),
            // A single file; many, of which none is large.
            (&[4000], &[&[0], &[]]),
            (&[9; 20], &[&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]]),
            // 8B in bf16, and what is larger than a layer should be.
            (&[0, 4977, 5000, 4916, 1168, 0, 9], &[&[1], &[2], &[3], &[4], &[0, 5, 6]]),
            (&[1000, 3000, 1, 10, 6000, 10, 1000], &[&[0, 1], &[3], &[4], &[5, 6], &[2]]),
            (&[], &[&[]]),
        ] {
            assert_eq!(of(megabytes, 20), expected, "{megabytes:?}");
        }
    }

    #[test]
    fn of_few_layers_each_is_larger() {
        // 70B in bf16: two of its thirty files together stay below 10 GB.
        let layers = of(&[4700; 30], 20);
        assert_eq!(layers.len(), 15 + 1);
        assert!(layers[..15].iter().all(|files| files.len() == 2), "{layers:?}");
        assert_eq!(layers.concat(), (0..30).collect::<Vec<_>>(), "in their order");
        for most in 1..20 {
            let layers = of(&[0, 4700, 4700, 300, 4700, 10, 4700], most);
            assert!(layers.len() <= most, "{most}: {layers:?}");
            assert_eq!(layers.concat().len(), 7);
        }
        // A hub may say anything.
        assert_eq!(of(&[u64::MAX; 3], 2), [vec![0, 1, 2], vec![]]);
    }
}
