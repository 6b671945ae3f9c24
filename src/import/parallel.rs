//! Work on many things by all processors.

use std::thread;

/// Fewer of them are not worth a thread.
const OF_A_THREAD: usize = 500;

/// What `each` makes of parts of `all`, in order.
pub(super) fn in_parts<T: Sync, R: Send>(all: &[T], each: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let of_one = all.len().div_ceil(threads).max(OF_A_THREAD);
    if all.len() <= of_one {
        return vec![each(all)];
    }
    thread::scope(|scope| {
        let each = &each;
        let started = all
            .chunks(of_one)
            .map(|part| scope.spawn(move || each(part)));
        let started: Vec<_> = started.collect();
        let ended = started.into_iter().map(|thread| match thread.join() {
            Ok(made) => made,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::in_parts;

    #[test]
    fn parts_stay_in_order() {
        for count in [0, 1, 499, 501, 10_007] {
            let all: Vec<usize> = (0..count).collect();
            let made = in_parts(&all, |part| part.iter().map(|n| n * 2).collect::<Vec<_>>());
            let expected: Vec<usize> = (0..count).map(|n| n * 2).collect();
            assert_eq!(made.concat(), expected);
        }
    }
}
