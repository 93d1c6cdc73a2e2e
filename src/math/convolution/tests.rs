//! Correlations against the definition of a convolution and of its gradients.

use super::*;

fn numbers(n: usize, seed: usize) -> Vec<f32> {
    (0..n)
        .map(|i| (((i * 7919 + seed * 104_729) % 1009) as f32 / 504.5) - 1.0)
        .collect()
}

/// One convolution with input, weights, output and the gradients of both, computed by definition.
struct Case {
    geometry: ConvGeometry,
    input: FeatureShape,
    output: FeatureShape,
    images: usize,
    weights: Vec<f32>,
    x: Vec<f32>,
    dy: Vec<f32>,
}

/// Results by definition.
struct Expected {
    y: Vec<f32>,
    dx: Vec<f32>,
    dw: Vec<f32>,
}

impl Case {
    /// `None` if the kernel does not fit into the image.
    fn new(geometry: ConvGeometry, input: FeatureShape, channels: usize) -> Option<Self> {
        let ConvGeometry {
            kernel_size,
            stride,
            padding,
            dilation,
        } = geometry;
        let length = |n: usize| {
            (n + 2 * padding)
                .checked_sub((kernel_size - 1) * dilation + 1)
                .map(|n| n / stride + 1)
        };
        let output = FeatureShape {
            channels,
            height: length(input.height)?,
            width: length(input.width)?,
        };
        let convolution = Correlation::convolution(input, output, geometry);
        let images = convolution.max_images().min(3);
        let (mut x, mut dy) = (Vec::new(), Vec::new());
        for image in 0..images {
            x.extend(numbers(input.elem_count(), image));
            dy.extend(numbers(output.elem_count(), 9 + image));
        }
        Some(Case {
            geometry,
            input,
            output,
            images,
            weights: numbers(channels * input.channels * kernel_size * kernel_size, 3),
            x,
            dy,
        })
    }

    fn index(&self, output: usize, input: usize, k: usize) -> usize {
        let kernel_size = self.geometry.kernel_size;
        (output * self.input.channels + input) * kernel_size * kernel_size + k
    }

    /// Results for the first `images` images.
    fn expected(&self, images: usize) -> Expected {
        let mut expected = Expected {
            y: vec![0.0; images * self.output.elem_count()],
            dx: vec![0.0; images * self.input.elem_count()],
            dw: vec![0.0; self.weights.len()],
        };
        let elements = self.geometry.kernel_size * self.geometry.kernel_size;
        for image in 0..images {
            for o in 0..self.output.channels {
                for i in 0..self.input.channels {
                    for k in 0..elements {
                        self.add_products(image, o, i, k, &mut expected);
                    }
                }
            }
        }
        expected
    }

    /// Adds what one weight contributes.
    fn add_products(&self, image: usize, o: usize, i: usize, k: usize, expected: &mut Expected) {
        let ConvGeometry {
            kernel_size,
            stride,
            padding,
            dilation,
        } = self.geometry;
        let (input, output) = (self.input, self.output);
        let at = self.index(o, i, k);
        for row in 0..output.height {
            for column in 0..output.width {
                let y = (row * stride + k / kernel_size * dilation).checked_sub(padding);
                let x = (column * stride + k % kernel_size * dilation).checked_sub(padding);
                let (Some(y), Some(x)) = (y, x) else { continue };
                if y >= input.height || x >= input.width {
                    continue;
                }
                let source = ((image * input.channels + i) * input.height + y) * input.width + x;
                let result = ((image * output.channels + o) * output.height + row) * output.width;
                let result = result + column;
                expected.y[result] += self.weights[at] * self.x[source];
                expected.dx[source] += self.weights[at] * self.dy[result];
                expected.dw[at] += self.x[source] * self.dy[result];
            }
        }
    }

    fn check_forward(&self, expected: &Expected) {
        let correlation = Correlation::convolution(self.input, self.output, self.geometry);
        let mut y = vec![f32::NAN; expected.y.len()];
        let index = |o: usize, i: usize, k: usize| self.index(o, i, k);
        run(
            &correlation,
            images(&self.x, self.input),
            &self.weights,
            index,
            &mut y,
        );
        self.assert_near("output", &y, &expected.y);
    }

    fn check_input_gradient(&self, expected: &Expected) {
        let correlation = Correlation::transposed(self.output, self.input, self.geometry);
        let mut dx = vec![f32::NAN; expected.dx.len()];
        let index = |i: usize, o: usize, k: usize| self.index(o, i, k);
        run(
            &correlation,
            images(&self.dy, self.output),
            &self.weights,
            index,
            &mut dx,
        );
        self.assert_near("input gradient", &dx, &expected.dx);
    }

    /// Checks all images, then one in the same buffers, which must not see the others' values.
    fn check_weight_gradient(&self, expected: &Expected) {
        let correlation = Correlation::convolution(self.input, self.output, self.geometry);
        let mut packed = vec![0.0; correlation.packed_len()];
        let transposed = Correlation::transposed(self.output, self.input, self.geometry);
        let mut packed_dy = vec![0.0; transposed.packed_len()];
        let one = self.expected(1);
        for (n, dw) in [(self.images, &expected.dw), (1, &one.dw)] {
            let x = &self.x[..n * self.input.elem_count()];
            let dy = &self.dy[..n * self.output.elem_count()];
            correlation.pack(images(x, self.input), &mut packed);
            transposed.pack(images(dy, self.output), &mut packed_dy);
            let mut gradients = vec![0.0; self.weights.len()];
            correlation.weight_gradients(&packed, &mut packed_dy, n, &mut gradients);
            self.assert_near(&format!("weight gradient of {n} images"), &gradients, dw);
        }
    }

    fn assert_near(&self, what: &str, found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (i, (a, b)) in found.iter().zip(expected).enumerate() {
            assert!(
                (a - b).abs() < 2e-4 * b.abs().max(1.0),
                "{what}[{i}] of {:?}, {:?} -> {:?}: {a}, expected {b}",
                self.geometry,
                self.input,
                self.output
            );
        }
    }
}

fn images(values: &[f32], shape: FeatureShape) -> Images<'_, f32> {
    Images {
        values,
        stride: shape.elem_count(),
    }
}

fn run(
    correlation: &Correlation,
    input: Images<'_, f32>,
    weights: &[f32],
    index: impl Fn(usize, usize, usize) -> usize,
    output: &mut [f32],
) {
    let mut packed = vec![0.0; correlation.packed_len()];
    let mut workspace = vec![0.0; correlation.workspace_len()];
    let mut reordered = Vec::new();
    correlation.pack(input, &mut packed);
    correlation.reorder_weights(weights, index, &mut reordered);
    let stride = output.len() / (input.values.len() / input.stride);
    let output = ImagesMut {
        values: output,
        stride,
    };
    correlation.run(&packed, &reordered, None, &mut workspace, output);
}

const fn geometry(
    kernel_size: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> ConvGeometry {
    ConvGeometry {
        kernel_size,
        stride,
        padding,
        dilation,
    }
}

const GEOMETRIES: [ConvGeometry; 12] = [
    geometry(3, 1, 1, 1),
    geometry(3, 2, 1, 1),
    geometry(1, 1, 0, 1),
    geometry(2, 2, 0, 1),
    geometry(5, 1, 2, 1),
    geometry(5, 3, 1, 1),
    geometry(3, 1, 2, 2),
    geometry(3, 2, 0, 2),
    geometry(4, 3, 3, 1),
    geometry(1, 2, 0, 1),
    geometry(3, 4, 1, 1),
    geometry(2, 1, 35, 70),
];

#[test]
fn outputs_and_gradients_match_the_definition_for_every_geometry_and_size() {
    let mut cases = 0;
    for geometry in GEOMETRIES {
        for (height, width) in [(9, 9), (8, 13), (17, 6), (40, 37)] {
            for (channels, output_channels) in [(1, 1), (3, 5), (5, 3), (2, 8), (1, 13)] {
                let input = FeatureShape {
                    channels,
                    height,
                    width,
                };
                let Some(case) = Case::new(geometry, input, output_channels) else {
                    continue;
                };
                let expected = case.expected(case.images);
                case.check_forward(&expected);
                case.check_weight_gradient(&expected);
                case.check_input_gradient(&expected);
                cases += 1;
            }
        }
    }
    assert!(cases > 200, "{cases}");
}

#[test]
fn a_bias_is_added_to_every_value_of_its_channel() {
    let shape = FeatureShape {
        channels: 2,
        height: 3,
        width: 4,
    };
    let correlation = Correlation::convolution(shape, shape, geometry(1, 1, 0, 1));
    let packed = vec![0.0f32; correlation.packed_len()];
    let mut workspace = vec![0.0; correlation.workspace_len()];
    let mut values = vec![f32::NAN; shape.elem_count()];
    let output = ImagesMut {
        values: &mut values,
        stride: shape.elem_count(),
    };
    let bias = [0.5, -2.0];
    correlation.run(&packed, &[1.0; 4], Some(&bias), &mut workspace, output);
    assert_eq!(values, [[0.5; 12], [-2.0; 12]].concat());
}
