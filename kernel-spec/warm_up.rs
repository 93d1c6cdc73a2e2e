let warm_tensor = Tensor::zeros((2, 3), DType::F32, &Device::Cpu)?;
// ---
warm_tensor.sum_all()?.to_scalar::<f32>()?
// ---
for i in 0..2 { let _ = warm_tensor.get(i)?; }
