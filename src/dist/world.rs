//! The ranks of a job, as one of them sees it.

use crate::dist::summand::{Summand, from_bytes, to_bytes};
use crate::dist::transport::Transport;
use crate::dist::waiting::Waiting;
use crate::error::{Error, Result};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of one broadcast.
const MAX_PART_BYTES: usize = 1 << 24;

/// All ranks of a job, as one of them sees it. A process by itself is a world of one rank.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    ranks: Option<Ranks>,
}

#[derive(Clone, Debug)]
struct Ranks {
    transport: Arc<dyn Transport>,
    waiting: Waiting,
    /// Host of each rank.
    hosts: Arc<Vec<String>>,
    /// All ranks know of an error.
    failed: Arc<AtomicBool>,
}

impl World {
    /// The world of a rank on this host.
    ///
    /// # Errors
    /// A rank that does not answer.
    pub(crate) fn new(transport: Arc<dyn Transport>, host: &str) -> Result<Self> {
        let ranks = Ranks {
            transport,
            waiting: Waiting::new(),
            hosts: Arc::default(),
            failed: Arc::default(),
        };
        let mut world = World { ranks: Some(ranks) };
        let hosts = world.gather_texts(host)?;
        if let Some(ranks) = &mut world.ranks {
            ranks.hosts = Arc::new(hosts);
        }
        Ok(world)
    }

    /// True for a process by itself.
    pub(crate) fn is_alone(&self) -> bool {
        self.size() == 1
    }

    /// Number of this rank, from 0.
    pub(crate) fn rank(&self) -> usize {
        self.ranks
            .as_ref()
            .map_or(0, |ranks| ranks.transport.rank())
    }

    /// Number of ranks.
    pub(crate) fn size(&self) -> usize {
        self.ranks
            .as_ref()
            .map_or(1, |ranks| ranks.transport.size())
    }

    /// Ranks on the host of this one, and the number of this one among them.
    pub(crate) fn on_this_host(&self) -> (usize, usize) {
        let Some(Ranks { hosts, .. }) = &self.ranks else {
            return (1, 0);
        };
        let rank = self.rank();
        let here =
            |hosts: &[String], own: &String| hosts.iter().filter(|host| *host == own).count();
        hosts
            .get(rank)
            .map_or((1, 0), |own| (here(hosts, own), here(&hosts[..rank], own)))
    }

    /// "rank 2 on host a".
    pub(crate) fn name_of(&self, rank: usize) -> String {
        let hosts = self.ranks.as_ref().map(|ranks| &ranks.hosts);
        match hosts.and_then(|hosts| hosts.get(rank)) {
            Some(host) => format!("rank {rank} on host {host}"),
            None => format!("rank {rank}"),
        }
    }

    /// True once all ranks have agreed on an error, which ends all of them.
    pub(crate) fn has_failed(&self) -> bool {
        let ranks = self.ranks.as_ref();
        ranks.is_none_or(|ranks| ranks.failed.load(Ordering::Relaxed))
    }

    /// Goes on after an error that all ranks know of.
    #[cfg(feature = "nccl")]
    pub(crate) fn go_on(&self) {
        if let Some(ranks) = &self.ranks {
            ranks.failed.store(false, Ordering::Relaxed);
        }
    }

    /// Time in the current collective operation.
    pub(crate) fn waiting(&self) -> Option<Waiting> {
        self.ranks.as_ref().map(|ranks| ranks.waiting.clone())
    }

    /// True if the ranks share the rows of a batch. Each computes a batch of fewer rows than ranks
    /// whole: some would have no rows otherwise, of which candle computes nothing.
    pub(crate) fn shares(&self, rows: usize) -> bool {
        self.size() > 1 && rows >= self.size()
    }

    /// Rows of a batch that this rank computes.
    pub(crate) fn rows(&self, rows: usize) -> Range<usize> {
        self.rows_of(self.rank(), rows)
    }

    fn rows_of(&self, rank: usize, rows: usize) -> Range<usize> {
        let size = self.size();
        match self.shares(rows) {
            true => rank * rows / size..(rank + 1) * rows / size,
            false => 0..rows,
        }
    }

    /// Replaces each value by its sum over all ranks.
    ///
    /// # Errors
    /// A rank that is gone.
    pub(crate) fn sum<T: Summand>(&self, values: &mut [T]) -> Result<()> {
        match &self.ranks {
            Some(ranks) if !values.is_empty() => {
                ranks.waiting.during(|| T::sum(&*ranks.transport, values))
            }
            _ => Ok(()),
        }
    }

    /// The values of all ranks, one rank after the other. `counts` has the number of each.
    fn gather<T: Summand>(&self, own: &[T], counts: &[usize]) -> Result<Vec<T>> {
        let Some(ranks) = &self.ranks else {
            return Ok(own.to_vec());
        };
        let most = counts.iter().max().map_or(0, |most| most * T::BYTES);
        let mut bytes = to_bytes(own);
        bytes.resize(most, 0);
        let mut all = vec![0; most * counts.len()];
        ranks
            .waiting
            .during(|| ranks.transport.gather(&bytes, &mut all))?;
        let parts = all.chunks(most.max(1)).zip(counts);
        Ok(parts
            .flat_map(|(bytes, count)| from_bytes(&bytes[..count * T::BYTES]))
            .collect())
    }

    /// The rows of a whole batch, of which each rank has its own. Every row has `width` values.
    ///
    /// # Errors
    /// A rank that is gone.
    pub(crate) fn gather_rows<T: Summand>(
        &self,
        own: &[T],
        rows: usize,
        width: usize,
    ) -> Result<Vec<T>> {
        let counts = (0..self.size()).map(|rank| self.rows_of(rank, rows).len() * width);
        self.gather(own, &counts.collect::<Vec<_>>())
    }

    /// Equally many values of each rank, in the order of the ranks.
    ///
    /// # Errors
    /// A rank that is gone.
    pub(crate) fn gather_equal<T: Summand>(&self, own: &[T]) -> Result<Vec<T>> {
        self.gather(own, &vec![own.len(); self.size()])
    }

    /// A text of each rank.
    fn gather_texts(&self, own: &str) -> Result<Vec<String>> {
        let lengths = self.gather_equal(&[own.len() as f64])?;
        let most = lengths
            .iter()
            .fold(0.0, |most: f64, &length| most.max(length)) as usize;
        let Some(ranks) = &self.ranks else {
            return Ok(vec![own.to_owned()]);
        };
        let mut bytes = own.as_bytes().to_vec();
        bytes.resize(most, 0);
        let mut all = vec![0; most * lengths.len()];
        ranks
            .waiting
            .during(|| ranks.transport.gather(&bytes, &mut all))?;
        let texts = all.chunks(most.max(1)).zip(&lengths);
        let text = |(bytes, length): (&[u8], &f64)| {
            String::from_utf8_lossy(&bytes[..*length as usize]).into_owned()
        };
        Ok(texts.map(text).collect())
    }

    /// Copies the values of rank 0 to all ranks: processors of different kinds round differently.
    ///
    /// # Errors
    /// A rank that is gone.
    pub(crate) fn copy_from_first<T: Summand>(&self, values: &mut [T]) -> Result<()> {
        if self.is_alone() || values.is_empty() {
            return Ok(());
        }
        let bytes = self.broadcast(to_bytes(values))?;
        let copied = values.iter_mut().zip(from_bytes(&bytes));
        copied.for_each(|(value, new)| *value = new);
        Ok(())
    }

    /// The bytes of rank 0, on every rank.
    ///
    /// # Errors
    /// A rank that is gone.
    pub(crate) fn broadcast(&self, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
        let Some(ranks) = &self.ranks else {
            return Ok(bytes);
        };
        let mut length = (bytes.len() as u64).to_le_bytes();
        ranks
            .waiting
            .during(|| ranks.transport.broadcast(&mut length))?;
        bytes.resize(u64::from_le_bytes(length) as usize, 0);
        // In parts, because the timeout is for the others, and not for the network.
        for part in bytes.chunks_mut(MAX_PART_BYTES) {
            ranks.waiting.during(|| ranks.transport.broadcast(part))?;
        }
        Ok(bytes)
    }

    /// Makes all ranks go on, or none: an error of one is an error of all, with its name. Also returns
    /// true on every rank if `flag` is true on one.
    ///
    /// # Errors
    /// [`Error::Stopped`] if Stop reached one of them; otherwise the error of the first that has one.
    pub(crate) fn agree<T>(&self, result: Result<T>, flag: bool) -> Result<(T, bool)> {
        if self.is_alone() {
            return Ok((result?, flag));
        }
        let stopped = matches!(result, Err(Error::Stopped));
        let failed = result.is_err() && !stopped;
        let mut sums = [stopped, failed, flag].map(|set| f64::from(u8::from(set)));
        self.sum(&mut sums)?;
        let [stopped, failed, flag] = sums.map(|sum| sum > 0.0);
        if failed {
            return Err(self.first_error(result.err())?);
        }
        match result {
            Ok(value) if !stopped => Ok((value, flag)),
            _ => Err(Error::Stopped),
        }
    }

    /// The first rank's error, on every rank. That of rank 0, which the user sees first, is returned as
    /// it is.
    fn first_error(&self, own: Option<Error>) -> Result<Error> {
        let text = match &own {
            Some(Error::Stopped) | None => String::new(),
            Some(error) => error.to_string(),
        };
        let texts = self.gather_texts(&text)?;
        if let Some(ranks) = &self.ranks {
            ranks.failed.store(true, Ordering::Relaxed);
        }
        let first = texts.iter().position(|text| !text.is_empty());
        let first = first.unwrap_or_default();
        Ok(match own {
            Some(error) if first == self.rank() && first == 0 => error,
            _ => Error::Job(format!("{}: {}", self.name_of(first), texts[first])),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::on_threads;

    #[test]
    fn a_process_by_itself_has_all_rows_and_its_own_sums() {
        let world = World::default();
        let mut values = [1.5f32];
        world.sum(&mut values).unwrap();
        assert_eq!((world.rows(7), values[0]), (0..7, 1.5));
        assert_eq!(world.gather_rows(&[1f64, 2.0], 2, 1).unwrap(), [1.0, 2.0]);
        assert_eq!(world.broadcast(vec![3]).unwrap(), [3]);
        assert!(world.agree(Err::<(), _>(Error::Stopped), true).is_err());
        assert_eq!(
            (world.name_of(0), world.on_this_host()),
            ("rank 0".into(), (1, 0))
        );
    }

    #[test]
    fn ranks_sum_gather_and_broadcast() {
        let results = on_threads(3, |world| {
            let rank = world.rank() as f32;
            let mut sums = [rank, 1.0];
            world.sum(&mut sums).unwrap();
            let rows = world.rows(7);
            let own: Vec<f64> = rows.clone().flat_map(|row| [row as f64, 0.5]).collect();
            let all = world.gather_rows(&own, 7, 2).unwrap();
            let mut first = [rank + 5.0];
            world.copy_from_first(&mut first).unwrap();
            (
                sums,
                rows,
                all,
                first[0],
                world.broadcast(vec![7; 2 - world.rank() % 2]).unwrap(),
            )
        });
        let all: Vec<f64> = (0..7).flat_map(|row| [f64::from(row), 0.5]).collect();
        for (rank, rows) in [0..2, 2..4, 4..7].into_iter().enumerate() {
            assert_eq!(
                results[rank],
                ([3.0, 3.0], rows, all.clone(), 5.0, vec![7, 7])
            );
        }
    }

    #[test]
    fn a_batch_of_fewer_rows_than_ranks_is_computed_by_each() {
        let rows = on_threads(3, |world| (world.shares(2), world.rows(2), world.shares(3)));
        assert_eq!(rows, vec![(false, 0..2, true); 3]);
    }

    #[test]
    fn an_error_of_one_rank_is_an_error_of_all_and_names_it() {
        let errors = on_threads(3, |world| {
            let result = match world.rank() {
                1 => Err(Error::setting("x", "1", "2", "Write 1")),
                _ => Ok(()),
            };
            world.agree(result, false).unwrap_err().to_string()
        });
        assert_eq!(
            errors,
            vec!["rank 1 on host h1: x: expected 1, got 2. Write 1"; 3]
        );
        let flags = on_threads(3, |world| {
            world.agree(Ok(world.rank()), world.rank() == 2).unwrap()
        });
        assert_eq!(flags, [(0, true), (1, true), (2, true)]);
        let stopped = on_threads(2, |world| {
            let result = if world.rank() == 0 {
                Err(Error::Stopped)
            } else {
                Ok(())
            };
            matches!(world.agree(result, false), Err(Error::Stopped))
        });
        assert_eq!(stopped, [true, true]);
    }

    #[test]
    fn ranks_of_a_host_are_counted() {
        let counts = on_threads(3, |world| world.on_this_host());
        // The threads pose as hosts h0, h1 and h2.
        assert_eq!(counts, [(1, 0); 3]);
    }
}
