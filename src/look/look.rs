//! Looking at what an autoencoder has learned. Each method returns a value that shows itself.

use crate::cell::check_stopped;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::layer::{ForwardState, Layer, Node, shape};
use crate::look::pca::principal_components;
use crate::loss::Loss;
use crate::model::{Autoencoder, chunk};
use crate::show::{Content, Montage, Pictures, Plot, Plots, Scale, Show, shows_itself};
use candle_core::{DType, Device, Tensor};
use std::ops::RangeInclusive;

/// More points than this in a scatter chart only hide each other.
const MOST_POINTS: usize = 5000;

impl Autoencoder {
    /// The first `n` pictures of a split above, their reconstructions below.
    ///
    /// # Errors
    /// Pictures of another shape than the model's.
    pub fn reconstructions(&self, split: &Split, n: usize) -> Result<Montage> {
        self.reconstructions_for(split, n, Loss::default())
    }

    /// [`Autoencoder::reconstructions`] of a model that was trained with a loss: logits as pictures.
    pub(crate) fn reconstructions_for(
        &self,
        split: &Split,
        n: usize,
        loss: Loss,
    ) -> Result<Montage> {
        let originals = split.first(n)?;
        let drawn = loss.pictures(self.reconstruct(&originals)?.to_device(&Device::Cpu)?)?;
        Montage::rows(&[("originals", &originals), ("reconstructions", &drawn)])
    }

    /// What each hidden unit draws: the columns of the last decoder matrix as pictures, blue below zero, red above.
    ///
    /// # Errors
    /// A decoder whose last linear layer does not draw the picture.
    pub fn features(&self) -> Result<Montage> {
        let (c, h, w) = self.image_shape();
        let chain = self.decoder_net();
        let last = chain
            .nodes()
            .iter()
            .rposition(|step| matches!(step.layer, Layer::Linear(_)));
        let weight = last
            .and_then(|i| chain.weights_of(i))
            .map(|(weight, _)| weight);
        let weight = weight
            .filter(|weight| weight.dims()[0] == c * h * w)
            .ok_or_else(|| Error::Layer {
                place: "features of the decoder".into(),
                expected: format!(
                    "a last linear layer of {} outputs, one for each value of a picture",
                    c * h * w
                ),
                got: "none".into(),
                hint: "basis_responses() works for every decoder".into(),
            })?;
        let units = weight.dims()[1];
        let columns = weight.as_tensor().detach().t()?.reshape((units, c, h, w))?; // (c*h*w, units) -> (units, c, h, w)
        Ok(Montage::new(&columns)?
            .scale(Scale::Symmetric)
            .title("columns of the decoder matrix"))
    }

    /// The decoder's answer to each basis vector of the code: one number of the code is 1, all others are 0. Each picture
    /// is stretched to its own range, since one unit alone moves it little.
    ///
    /// # Errors
    /// None in practice; the signature is candle's.
    pub fn basis_responses(&self) -> Result<Montage> {
        let size = self.code_size();
        let shape = [&[size], self.code_shape()].concat();
        let basis = Tensor::eye(size, DType::F32, self.device())?.reshape(shape)?; // (n, n) -> (n, code)
        let title = "decoder's answer to each basis vector of the code";
        Ok(Montage::new(&self.decode(&basis)?)?
            .scale(Scale::MinMax)
            .title(title))
    }

    /// What each unit of the first layer with weights looks for: the rows of the encoder's first matrix as pictures, or
    /// the filters of its first convolution.
    ///
    /// # Errors
    /// An encoder without such a layer.
    pub fn filters(&self) -> Result<Montage> {
        let (c, h, w) = self.image_shape();
        let chain = self.encoder_net();
        // One number for each channel is no filter.
        let first = (0..chain.nodes().len())
            .filter_map(|i| chain.weights_of(i))
            .find(|(weight, _)| weight.rank() > 1)
            .ok_or_else(|| Error::Layer {
                place: "filters of the encoder".into(),
                expected: "a layer with weights".into(),
                got: "none".into(),
                hint: "Add one, such as Linear(128)".into(),
            })?;
        let weight = first.0.as_tensor().detach();
        match *weight.dims() {
            [units, inputs] if inputs == c * h * w => {
                let rows = weight.reshape((units, c, h, w))?; // (units, c*h*w) -> (units, c, h, w)
                Ok(Montage::new(&rows)?
                    .scale(Scale::Symmetric)
                    .title("rows of the encoder matrix"))
            }
            _ => Montage::filters(&weight),
        }
    }

    /// What every layer makes of one picture, from the input to the reconstruction.
    ///
    /// # Shapes
    /// `picture` is (c, h, w) or (1, c, h, w).
    ///
    /// # Errors
    /// A picture of another shape than the model's.
    pub fn activations(&self, picture: &Tensor) -> Result<Activations> {
        let (c, h, w) = self.image_shape();
        let mut values = self
            .batch("activations", picture, &[c, h, w])?
            .narrow(0, 0, 1)?;
        let mut passed = ForwardState::default();
        let mut steps = vec![("input".to_owned(), values.squeeze(0)?.detach())];
        for (list, chain) in [
            ("encoder", self.encoder_net()),
            ("decoder", self.decoder_net()),
        ] {
            for (i, Node { name, layer, .. }) in chain.nodes().iter().enumerate() {
                values = chain.node(i, &values, None, &mut passed)?;
                if !matches!(
                    layer,
                    Layer::Flatten | Layer::Unflatten(..) | Layer::Dropout(_)
                ) {
                    let layer = if let Layer::Residual(_) = layer {
                        "+ input".into()
                    } else {
                        layer.to_string()
                    };
                    steps.push((
                        format!("{list}.{name} {layer}"),
                        values.squeeze(0)?.detach(),
                    ));
                }
            }
        }
        Ok(Activations { steps })
    }

    /// How the weights of each layer are spread, a histogram for each.
    ///
    /// # Errors
    /// Only where a weight cannot be copied from its device.
    pub fn weights_histogram(&self) -> Result<Plots> {
        let weights = self
            .variables()
            .into_iter()
            .filter(|(name, _)| name.ends_with("weight"));
        let plots = weights.map(|(name, var)| {
            let plot = Plot::new()
                .size(400, 240)
                .title(format!("{name}, {}", shape(var.dims())))
                .y("weights");
            plot.histogram("", var.as_tensor(), 60)
        });
        Ok(Plots::new(plots))
    }

    /// The codes of every picture of a split, in evaluation mode.
    ///
    /// # Shapes
    /// (pictures, code size): codes of several dimensions are put in a row.
    ///
    /// # Errors
    /// Pictures of another shape than the model's.
    pub fn codes(&self, split: &Split) -> Result<Tensor> {
        let all: Vec<usize> = (0..split.len()).collect();
        let part = |positions: &[usize]| -> Result<Tensor> {
            check_stopped()?;
            Ok(self
                .encode(&split.images(positions)?)?
                .flatten_from(1)?
                .to_device(&Device::Cpu)?)
        };
        Ok(Tensor::cat(
            &all.chunks(self.chunk())
                .map(part)
                .collect::<Result<Vec<_>>>()?,
            0,
        )?)
    }

    /// Two numbers of the code against each other, a point for each picture, coloured by label where there are labels.
    ///
    /// # Errors
    /// A number that the code does not have, and pictures of another shape than the model's.
    pub fn code_scatter(&self, split: &Split, a: usize, b: usize) -> Result<Plot> {
        for unit in [a, b] {
            self.check_unit(unit)?;
        }
        let split = split.take(MOST_POINTS);
        let codes = self.codes(&split)?;
        let plot = points(&split, &codes.narrow(1, a, 1)?, &codes.narrow(1, b, 1)?)?;
        Ok(plot
            .title("Codes")
            .x(format!("code {a}"))
            .y(format!("code {b}")))
    }

    /// The codes along their two principal components, a point for each picture, coloured by label where there are
    /// labels. The axes say which share of the variance they explain.
    ///
    /// # Errors
    /// Codes of fewer than 2 or more than 2,048 numbers, and pictures of another shape than the model's.
    pub fn code_pca(&self, split: &Split) -> Result<Plot> {
        let split = split.take(MOST_POINTS);
        let found = principal_components(&self.codes(&split)?)?;
        let plot = points(
            &split,
            &found.points.narrow(1, 0, 1)?,
            &found.points.narrow(1, 1, 1)?,
        )?;
        let name = |i: usize| {
            format!(
                "component {}, {:.0} % of the variance",
                i + 1,
                found.explained[i] * 100.0
            )
        };
        Ok(plot.title("Codes").x(name(0)).y(name(1)))
    }

    /// One picture's code with one number swept over a range while the rest stays as it is: a row for each of `units`.
    ///
    /// # Errors
    /// A number that the code does not have, fewer than 2 steps, a range without length, and a picture of another shape
    /// than the model's.
    pub fn traversal(
        &self,
        picture: &Tensor,
        units: &[usize],
        range: RangeInclusive<f64>,
        steps: usize,
    ) -> Result<Montage> {
        let (low, high) = (*range.start(), *range.end());
        if !(low < high && low.is_finite() && high.is_finite()) {
            let hint = "Write it as -3.0..=3.0";
            return Err(Error::setting(
                "range",
                "a low and a higher end",
                format!("{low}..={high}"),
                hint,
            ));
        }
        if units.is_empty() {
            return Err(Error::setting(
                "units",
                "at least one number of the code",
                "none",
                "Write them as &[0, 1, 2]",
            ));
        }
        check_steps(steps)?;
        let code = self.code_of(picture)?;
        let value = |step: usize| low + (high - low) * step as f64 / (steps - 1) as f64;
        let mut codes = Vec::with_capacity(units.len() * steps * code.len());
        for &unit in units {
            self.check_unit(unit)?;
            for step in 0..steps {
                let mut moved = code.clone();
                moved[unit] = value(step) as f32;
                codes.extend(moved);
            }
        }
        let drawn = self.draw_codes(codes, picture)?;
        let names: Vec<String> = units.iter().map(|unit| format!("code {unit}")).collect();
        let row =
            |i: usize| -> Result<_> { Ok((names[i].as_str(), drawn.narrow(0, i * steps, steps)?)) };
        let rows = (0..units.len()).map(row).collect::<Result<Vec<_>>>()?;
        Ok(Montage::rows(&rows)?.title(format!("one number of the code from {low} to {high}")))
    }

    /// From one picture to another through the codes between theirs, in equal steps.
    ///
    /// # Errors
    /// Fewer than 2 steps, and pictures of another shape than the model's.
    pub fn interpolation(&self, from: &Tensor, to: &Tensor, steps: usize) -> Result<Montage> {
        check_steps(steps)?;
        let (first, last) = (self.code_of(from)?, self.code_of(to)?);
        let share = |step: usize| step as f32 / (steps - 1) as f32;
        let mix = |step: usize| {
            first
                .iter()
                .zip(&last)
                .map(move |(a, b)| a + (b - a) * share(step))
        };
        // Each half has the maxima of the picture that it is nearer to.
        let half = steps.div_ceil(2);
        let near = self.draw_codes((0..half).flat_map(mix).collect(), from)?;
        let far = self.draw_codes((half..steps).flat_map(mix).collect(), to)?;
        let drawn = Tensor::cat(&[near, far], 0)?;
        let captions = (0..steps).map(|step| format!("{:.0} %", share(step) * 100.0));
        Ok(Montage::new(&drawn)?.columns(steps).captions(captions))
    }

    /// The pictures of a split whose codes are nearest to that of a picture, nearest first, with their distances.
    ///
    /// # Errors
    /// Pictures of another shape than the model's.
    pub fn neighbors(&self, picture: &Tensor, split: &Split, n: usize) -> Result<Montage> {
        let code = self.code_of(picture)?;
        let codes = self.codes(split)?.to_vec2::<f32>()?;
        let distance = |other: &Vec<f32>| {
            code.iter()
                .zip(other)
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f32>()
                .sqrt()
        };
        let mut nearest: Vec<(f32, usize)> = codes.iter().map(distance).zip(0..).collect();
        nearest.sort_by(|a, b| a.0.total_cmp(&b.0));
        nearest.truncate(n.max(1));
        let positions: Vec<usize> = nearest.iter().map(|(_, i)| *i).collect();
        let caption = |(distance, i): &(f32, usize)| match split.label_name(*i) {
            Some(label) => format!("{label}: {distance:.2}"),
            None => format!("{distance:.2}"),
        };
        let captions: Vec<String> = std::iter::once("picture".to_owned())
            .chain(nearest.iter().map(caption))
            .collect();
        let all = [
            picture.pictures()?.narrow(0, 0, 1)?,
            split.images(&positions)?,
        ];
        let what = if split.labels().is_some() {
            "label: distance"
        } else {
            "distance"
        };
        Ok(Montage::new(&all)?
            .columns(captions.len())
            .captions(captions)
            .title(format!("nearest by code ({what})")))
    }

    /// The mean squared error of each picture's reconstruction, in evaluation mode.
    ///
    /// # Errors
    /// Pictures of another shape than the model's.
    pub fn errors(&self, split: &Split) -> Result<Vec<f32>> {
        let all: Vec<usize> = (0..split.len()).collect();
        let mut errors = Vec::with_capacity(all.len());
        for positions in all.chunks(self.chunk()) {
            check_stopped()?;
            let images = split.images(positions)?.to_device(self.device())?;
            let squares = (self.reconstruct(&images)? - &images)?.sqr()?;
            errors.extend(squares.flatten_from(1)?.mean(1)?.to_vec1::<f32>()?);
        }
        Ok(errors)
    }

    /// The `n` pictures of a split that are reconstructed worst, worst first, with their errors.
    ///
    /// # Errors
    /// Pictures of another shape than the model's.
    pub fn worst(&self, split: &Split, n: usize) -> Result<Montage> {
        let mut errors: Vec<(f32, usize)> = self.errors(split)?.into_iter().zip(0..).collect();
        errors.sort_by(|a, b| b.0.total_cmp(&a.0));
        errors.truncate(n.max(1));
        let originals = split.images(&errors.iter().map(|(_, i)| *i).collect::<Vec<_>>())?;
        let drawn = self.reconstruct(&originals)?.to_device(&Device::Cpu)?;
        let numbers = errors
            .iter()
            .map(|(_, i)| format!("#{i}"))
            .chain(errors.iter().map(|(error, _)| format!("{error:.3}")));
        let rows = Montage::rows(&[("originals", &originals), ("reconstructions", &drawn)])?;
        Ok(rows
            .captions(numbers.collect::<Vec<_>>())
            .title("worst reconstructions (number, mean squared error)"))
    }

    /// How the errors of the reconstructions of a split are spread.
    ///
    /// # Errors
    /// Pictures of another shape than the model's.
    pub fn error_histogram(&self, split: &Split) -> Result<Plot> {
        let errors = self.errors(split)?;
        Ok(Plot::new()
            .histogram("", errors, 60)
            .title("Reconstruction errors")
            .x("mean squared error")
            .y("pictures"))
    }

    /// How many pictures are looked at together.
    fn chunk(&self) -> usize {
        let (c, h, w) = self.image_shape();
        chunk(c * h * w)
    }

    fn code_size(&self) -> usize {
        self.code_shape().iter().product()
    }

    /// The code of one picture as a row of numbers.
    fn code_of(&self, picture: &Tensor) -> Result<Vec<f32>> {
        Ok(self
            .encode(picture)?
            .narrow(0, 0, 1)?
            .flatten_all()?
            .to_vec1()?)
    }

    /// The pictures of codes that stand one after the other; unpooling puts values where a picture had its maxima.
    fn draw_codes(&self, codes: Vec<f32>, picture: &Tensor) -> Result<Tensor> {
        let n = codes.len() / self.code_size();
        let codes = Tensor::from_vec(codes, [&[n], self.code_shape()].concat(), self.device())?; // -> (n, code)
        if !self
            .decoder()
            .iter()
            .any(|layer| matches!(layer, Layer::MaxUnpool2d(_)))
        {
            return Ok(self.decode(&codes)?.to_device(&Device::Cpu)?);
        }
        let (c, h, w) = self.image_shape();
        let picture = self
            .batch("picture", picture, &[c, h, w])?
            .narrow(0, 0, 1)?;
        let mut passed = ForwardState::default();
        self.encoder_net().forward(&picture, None, &mut passed)?;
        let repeat = |switch: &Tensor| switch.broadcast_as([&[n], &switch.dims()[1..]].concat());
        passed.switches = passed
            .switches
            .iter()
            .map(repeat)
            .collect::<candle_core::Result<Vec<_>>>()?;
        Ok(self
            .decoder_net()
            .forward(&codes, None, &mut passed)?
            .detach()
            .to_device(&Device::Cpu)?)
    }

    fn check_unit(&self, unit: usize) -> Result<()> {
        let size = self.code_size();
        if unit < size {
            return Ok(());
        }
        Err(Error::setting(
            "number of the code",
            format!("below {size}"),
            unit,
            "They count from 0",
        ))
    }
}

fn check_steps(steps: usize) -> Result<()> {
    if (2..=1000).contains(&steps) {
        return Ok(());
    }
    Err(Error::setting(
        "steps",
        "2 to 1000",
        steps,
        "9 is a good start",
    ))
}

/// A point for each picture, in the colours of the labels where there are some.
fn points(split: &Split, x: &Tensor, y: &Tensor) -> Result<Plot> {
    let plot = Plot::new().size(560, 440);
    Ok(match split.labels() {
        Some(labels) => plot.scatter_by(x, y, &labels),
        None => plot.scatter("", x, y),
    })
}

/// What the layers made of one picture, in order. It shows itself as a row of maps for each layer.
#[derive(Clone, Debug)]
pub struct Activations {
    /// The layer, as in the weights file and in code, and its values without the batch.
    pub steps: Vec<(String, Tensor)>,
}

impl Show for Activations {
    fn contents(&self) -> Result<Vec<Content>> {
        let mut contents = Vec::new();
        for (name, values) in &self.steps {
            let values = values.to_device(&Device::Cpu)?;
            let dims = values.dims().to_vec();
            let montage = match *dims.as_slice() {
                [c, h, w] if c == 3 => Montage::new(values.reshape((1, c, h, w))?)?,
                [c, h, w] => Montage::new(values.reshape((c, 1, h, w))?)?.columns(12), // a map a channel
                _ => {
                    let n = values.elem_count();
                    let rows = (1..=n)
                        .take_while(|rows| rows * rows <= n)
                        .filter(|rows| n % rows == 0)
                        .last()
                        .unwrap_or(1);
                    Montage::new(values.reshape((rows, n / rows))?)?.zoom(
                        (128 / rows)
                            .clamp(4, 12)
                            .min((30_000 / (n / rows + 2)).max(1)),
                    )
                }
            };
            let scale = if name == "input" || name.ends_with("Sigmoid") {
                Scale::Unit
            } else {
                Scale::MinMax
            };
            contents.extend(
                montage
                    .scale(scale)
                    .title(format!("{name}: {}", shape(&dims)))
                    .contents()?,
            );
        }
        Ok(contents)
    }
}
shows_itself!(Activations);
