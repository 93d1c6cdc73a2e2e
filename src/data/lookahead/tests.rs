use super::*;
use crate::data::batch::{Batch, Batches};
use crate::data::photo::{Crop, Framing, PhotoSource, PhotoStream};
use image::RgbImage;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// 200 photographs whose every value is their number; 5 and 6 are unreadable.
#[derive(Debug, Default)]
struct Numbers {
    reads: Arc<AtomicUsize>,
    panics: bool,
}

impl PhotoSource for Numbers {
    fn len(&self) -> usize {
        200
    }
    fn name(&self, i: usize) -> PathBuf {
        PathBuf::from(i.to_string())
    }
    fn read(&self, i: usize) -> std::result::Result<RgbImage, String> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        // Later images are ready before earlier ones.
        std::thread::sleep(Duration::from_micros(300 * (i as u64 % 3)));
        match i {
            5 | 6 => Err("torn".into()),
            _ if self.panics => panic!("a decoder's mistake"),
            _ => Ok(RgbImage::from_pixel(9, 7, image::Rgb([i as u8; 3]))),
        }
    }
    fn version(&self, _: usize) -> String {
        String::new()
    }
}

/// The numbers as a split whose labels are the numbers too.
fn split(source: Numbers, max_unreadable: usize) -> Split {
    let framing = Framing {
        size: 2,
        crop: Crop::Center,
        flip: false,
    };
    let path = Path::new("numbers");
    let stream = PhotoStream::new(path, Box::new(source), framing, max_unreadable).unwrap();
    Split::from_stream(stream, Some((0..200).collect())).unwrap()
}

fn numbers(max_unreadable: usize) -> (Split, Arc<AtomicUsize>) {
    let source = Numbers::default();
    let reads = Arc::clone(&source.reads);
    (split(source, max_unreadable), reads)
}

/// The numbers of each batch; images and labels agree.
fn seen(split: &Split, order: &[usize], batch_size: usize) -> Result<Vec<Vec<u8>>> {
    let augment = Augment { seed: 1, epoch: 1 };
    let batches = Batches::new(split, order.to_vec(), batch_size, Some(augment))?;
    batches
        .map(|batch| {
            let batch = batch?;
            let labels = batch.labels()?.unwrap().to_vec1::<u32>()?;
            let Batch::Decoded(_, images) = batch else {
                panic!("expected decoded images")
            };
            assert!(images.iter().all(|image| image.bytes.len() == 12));
            let numbers: Vec<u8> = images.iter().map(|image| image.bytes[0]).collect();
            assert_eq!(
                labels,
                numbers.iter().map(|&n| u32::from(n)).collect::<Vec<_>>()
            );
            Ok(numbers)
        })
        .collect()
}

#[test]
fn batches_are_in_order_and_unreadable_images_are_replaced() {
    let (split, reads) = numbers(2);
    let order: Vec<usize> = (0..200).rev().collect();
    let batches = seen(&split, &order, 48).unwrap();
    assert_eq!(
        batches.iter().map(Vec::len).collect::<Vec<_>>(),
        [48, 48, 48, 48, 8]
    );
    let expected: Vec<u8> = (0..200u8)
        .rev()
        .map(|i| if i == 5 || i == 6 { 7 } else { i })
        .collect();
    assert_eq!(batches.concat(), expected);
    assert_eq!(split.unreadable(), 2);
    // 5 is first read as the replacement of 6, or by itself; never again.
    assert!(reads.load(Ordering::SeqCst) <= 204);
}

#[test]
fn too_many_unreadable_images_are_an_error_with_their_names() {
    let (split, _) = numbers(1);
    let order: Vec<usize> = (0..200).collect();
    let error = seen(&split, &order, 48).unwrap_err().to_string();
    let expected = "numbers: expected at most 1 unreadable photographs, got 2 (5: torn; 6: torn";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn lookahead_is_bounded_and_dropping_it_ends_the_threads() {
    let (split, reads) = numbers(2);
    let order: Vec<usize> = (10..200).collect();
    let mut batches = Batches::new(&split, order, 4, None).unwrap();
    assert_eq!(batches.next().unwrap().unwrap().len(), 4);
    std::thread::sleep(Duration::from_millis(200));
    let decoded = reads.load(Ordering::SeqCst);
    assert!(decoded <= 4 + MIN_IMAGES_AHEAD, "{decoded}");
    drop(batches);
    assert_eq!(reads.load(Ordering::SeqCst), decoded);
}

#[test]
fn a_panicking_decoder_is_an_error() {
    let source = Numbers {
        panics: true,
        ..Default::default()
    };
    let error = seen(&split(source, 2), &[8, 9], 2).unwrap_err().to_string();
    let expected = "decoding: expected an image, got a panic in the decoder";
    assert!(error.starts_with(expected), "{error}");
}
