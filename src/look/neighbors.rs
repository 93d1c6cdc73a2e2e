//! Nearest neighbors in the space of codes.

use crate::data::{Split, vectors_as_lines};
use crate::error::Result;
use crate::model::Autoencoder;
use crate::show::{Images, Montage};
use candle_core::Tensor;

/// An image of a split and the distance of its code.
struct Neighbor {
    position: usize,
    distance: f32,
}

impl Autoencoder {
    /// The `n` images of a split whose codes are nearest to the code of `image`, by Euclidean
    /// distance, in ascending order.
    ///
    /// # Errors
    /// The images do not have the model's shape.
    ///
    /// # Examples
    /// ```
    /// use candlebook::prelude::*;
    /// let data = mnist_embedded()?.take(100, 20);
    /// let ae = Autoencoder::symmetric(data.image_shape(), &[Flatten, Linear(8)])?;
    /// let nearest = ae.neighbors(&data.test.first(1)?, &data.train, 5)?;
    /// assert_eq!(nearest.tensor().dims(), [1 + 5, 1, 28, 28]);
    /// # Ok::<(), candlebook::Error>(())
    /// ```
    pub fn neighbors(&self, image: &Tensor, split: &Split, n: usize) -> Result<Montage> {
        let neighbors = self.nearest(image, split, n)?;
        let positions: Vec<usize> = neighbors.iter().map(|found| found.position).collect();
        let images = [image.images()?.narrow(0, 0, 1)?, split.images(&positions)?];
        let caption = |found: &Neighbor| match split.label_name(found.position) {
            Some(label) => format!("{label}: {:.2}", found.distance),
            None => format!("{:.2}", found.distance),
        };
        let captions: Vec<String> = std::iter::once("image".to_owned())
            .chain(neighbors.iter().map(caption))
            .collect();
        let format = match split.labels() {
            Some(_) => "label: distance",
            None => "distance",
        };
        Ok(vectors_as_lines(Montage::new(&images)?, self.image_shape())
            .columns(captions.len())
            .captions(captions)
            .title(format!("nearest by code ({format})")))
    }

    fn nearest(&self, image: &Tensor, split: &Split, n: usize) -> Result<Vec<Neighbor>> {
        let code = self.code_of(image)?;
        let codes = self.codes(split)?.to_vec2::<f32>()?;
        let mut neighbors: Vec<Neighbor> = codes
            .iter()
            .enumerate()
            .map(|(position, other)| Neighbor {
                position,
                distance: distance(&code, other),
            })
            .collect();
        neighbors.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        neighbors.truncate(n.max(1));
        Ok(neighbors)
    }
}

/// Euclidean distance.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f32>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_euclidean() {
        assert_eq!(distance(&[1.0, 2.0], &[4.0, 6.0]), 5.0);
    }
}
