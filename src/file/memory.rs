//! Memory of the images that are decoded at the same time.
//!
//! The loader decodes on every thread. Large images wait for each other, so that a folder of them
//! takes no more memory than one, or than ordinary photographs on as many threads.

use crate::file::limits::{Limits, MAX_DECODER_BYTES};
use crate::lock::{lock, wait};
use image::DynamicImage;
use image::metadata::Orientation;
use std::sync::{Condvar, Mutex};

/// Images of fewer pixels never wait.
const MIN_PIXELS: u64 = 4_000_000;
/// Always available to each thread: a JPEG file of 40 megapixels.
const BYTES_PER_THREAD: u64 = 128 << 20;

/// Bytes in use.
static IN_USE: Mutex<u64> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

/// The pixels of a file, as its decoder returns them.
pub(super) struct Decoded {
    pub(super) image: DynamicImage,
    /// Still to be applied.
    pub(super) orientation: Orientation,
    /// Kept until the pixels are RGB.
    pub(super) memory: DecoderMemory,
}

/// Memory of a decoder, free again when this is dropped.
#[derive(Debug)]
pub(super) struct DecoderMemory(u64);

impl DecoderMemory {
    /// Waits until an image's decoder may run; `bytes` per pixel is its use of memory.
    pub(super) fn reserve(pixels: u64, bytes: u64, limits: &Limits) -> Self {
        if pixels < MIN_PIXELS {
            return DecoderMemory(0);
        }
        let threads = rayon::current_num_threads() as u64;
        let available = (limits.pixels.saturating_mul(MAX_DECODER_BYTES))
            .max(threads.saturating_mul(BYTES_PER_THREAD));
        let bytes = pixels.saturating_mul(bytes);
        let mut in_use = lock(&IN_USE);
        // An image alone may always run.
        while *in_use > 0 && in_use.saturating_add(bytes) > available {
            in_use = wait(&FREED, in_use);
        }
        *in_use = in_use.saturating_add(bytes);
        DecoderMemory(bytes)
    }
}

impl Drop for DecoderMemory {
    fn drop(&mut self) {
        if self.0 > 0 {
            let mut in_use = lock(&IN_USE);
            *in_use = in_use.saturating_sub(self.0);
            FREED.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn large_images_are_decoded_one_after_the_other() {
        // More than any number of threads may use together.
        let pixels = 1 << 50;
        let running = AtomicUsize::new(0);
        let reserve = || DecoderMemory::reserve(pixels, 12, &Limits::default());
        let first = reserve();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let _memory = reserve();
                    assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0);
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                });
            }
            // Small images do not wait for the large one.
            let small = DecoderMemory::reserve(MIN_PIXELS - 1, 12, &Limits::default());
            assert_eq!(running.load(Ordering::SeqCst), 0);
            drop((small, first));
        });
    }
}
