//! The same work on many items, on as many threads as are worth their while.

use std::sync::{Mutex, PoisonError};

use crate::event::table::Chunk;

/// How many threads are worth their while for so many rows: up to some ten thousand they cost more than they
/// save, as does asking how many processors there are.
pub fn threads(chunks: &[Chunk]) -> usize {
    const FEW: usize = 1 << 16;
    let rows: usize = chunks.iter().map(Chunk::len).sum();
    if rows <= FEW { 1 } else { std::thread::available_parallelism().map_or(1, usize::from) }
}

/// Does the same to each item, on so many threads, each of which has something of its own to work with; results
/// in the items' order, and what the threads had.
pub fn parallel<S: Send, T: Send, R: Send>(
    threads: usize,
    items: &mut [T],
    new: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &mut T) -> R + Sync,
) -> (Vec<R>, Vec<S>) {
    let threads = threads.min(items.len());
    let count = items.len();
    if threads < 2 {
        let mut own = new();
        return (items.iter_mut().map(|item| work(&mut own, item)).collect(), vec![own]);
    }
    let queue = Mutex::new(items.iter_mut().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let worker = || {
        let mut own = new();
        let mut results = Vec::new();
        while let Some((place, item)) = next() {
            results.push((place, work(&mut own, item)));
        }
        (results, own)
    };
    let mut results = Vec::with_capacity(count);
    let mut owned = Vec::with_capacity(threads);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let mut add = |(done, own)| {
            results.extend::<Vec<(usize, R)>>(done);
            owned.push(own);
        };
        add(worker());
        for other in others {
            // A panic in a worker is ours.
            add(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    results.sort_unstable_by_key(|&(place, _)| place);
    (results.into_iter().map(|(_, result)| result).collect(), owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_worked_on_once_and_results_are_in_order() {
        for threads in [1, 2, 5] {
            let mut items: Vec<u32> = (0..1000).collect();
            let (results, owned) = parallel(
                threads,
                &mut items,
                || 0,
                |done, item| {
                    *done += 1;
                    *item * 2
                },
            );
            assert_eq!(results, (0..1000).map(|item| item * 2).collect::<Vec<u32>>());
            assert_eq!((owned.len(), owned.iter().sum::<u32>()), (threads, 1000));
        }
    }
}
