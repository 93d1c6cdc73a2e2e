use candlebook::prelude::*;
fn main() -> Result<(), Error> {
    let which = std::env::args().nth(1).unwrap_or("post".into());
    let epochs: usize = std::env::args().nth(2).unwrap_or("5".into()).parse().unwrap();
    let data = photographs(64)?;
    let same = |out| Conv2d(Conv::new(out, 3).padding(1));
    let down = |out| Conv2d(Conv::new(out, 4).stride(2).padding(1));
    let up = |out| ConvTranspose2d(ConvTranspose::new(out, 4).stride(2).padding(1));
    let block = |n| Residual(vec![same(n), Relu, same(n)]);
    let mut ae = match which.as_str() {
        "postd" => Autoencoder::symmetric(
            data.image_shape(),
            &[
                same(12),
                Relu,
                same(12),
                Relu,
                MaxPool(2),
                same(24),
                Relu,
                MaxPool(2),
                Flatten,
                Dropout(0.3),
                Linear(192),
            ],
        )?,
        "postbn" => Autoencoder::symmetric(
            data.image_shape(),
            &[
                same(12),
                Relu,
                same(12),
                Relu,
                MaxPool(2),
                same(24),
                BatchNorm,
                Relu,
                MaxPool(2),
                Flatten,
                Linear(192),
                BatchNorm,
            ],
        )?,
        "post" => Autoencoder::symmetric(
            data.image_shape(),
            &[
                same(12),
                Relu,
                same(12),
                Relu,
                MaxPool(2),
                same(24),
                Relu,
                MaxPool(2),
                Flatten,
                Linear(std::env::args().nth(4).unwrap_or("192".into()).parse().unwrap()),
            ],
        )?,
        "modern" => Autoencoder::new(
            data.image_shape(),
            &[
                down(24),
                BatchNorm,
                Relu,
                down(48),
                BatchNorm,
                Relu,
                Residual(vec![same(48), BatchNorm, Relu, same(48), BatchNorm]),
                Relu,
                down(3),
            ],
            &[
                up(48),
                BatchNorm,
                Relu,
                Residual(vec![same(48), BatchNorm, Relu, same(48), BatchNorm]),
                Relu,
                up(24),
                BatchNorm,
                Relu,
                up(3),
                Sigmoid,
            ],
        )?,
        "gelu" => Autoencoder::new(
            data.image_shape(),
            &[down(24), Gelu, down(48), Gelu, Residual(vec![same(48), Gelu, same(48)]), down(3)],
            &[up(48), Gelu, Residual(vec![same(48), Gelu, same(48)]), up(24), Gelu, up(3), Sigmoid],
        )?,
        "linear" => Autoencoder::new(
            data.image_shape(),
            &[Flatten, Linear(std::env::args().nth(4).unwrap_or("192".into()).parse().unwrap())],
            &[Linear(3 * 64 * 64), Unflatten(3, 64, 64)],
        )?,
        _ => Autoencoder::new(
            data.image_shape(),
            &[down(24), Relu, block(24), down(32), Relu, block(32), down(3)],
            &[up(32), Relu, block(32), up(24), Relu, block(24), up(3), Sigmoid],
        )?,
    };
    println!("{:?} {}", ae.code_shape(), ae.parameters());
    let t = std::time::Instant::now();
    let h = ae.fit(
        &data,
        &Fit {
            epochs,
            batch: 32,
            learning_rate: std::env::args().nth(3).unwrap_or("0.002".into()).parse().unwrap(),
            weight_decay: std::env::var("WD").unwrap_or("0".into()).parse().unwrap(),
            noise: std::env::var("NOISE").unwrap_or("0".into()).parse().unwrap(),
            ..Default::default()
        },
    )?;
    println!("{:.1} s", t.elapsed().as_secs_f64());
    println!("test {}", ae.evaluate(&data.test)?);
    // average pooling
    let x = data.test.first(200)?;
    for n in [4usize, 8, 16] {
        let k = 64 / n;
        let small = x.reshape((200, 3, n, k, n, k))?.mean((3, 5))?;
        let big = small.reshape((200, 3, n, 1, n, 1))?.broadcast_as((200, 3, n, k, n, k))?.reshape((200, 3, 64, 64))?;
        println!("avg {n}x{n}x3 = {}: {}", n * n * 3, (big - &x)?.sqr()?.mean_all()?.to_scalar::<f32>()?);
    }
    let _ = h;
    Ok(())
}
