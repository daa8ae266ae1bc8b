# Values for TestWeightedLossIsPyTorchs: cross-entropy with class weights and label smoothing.
import torch
from torch.nn.functional import cross_entropy
logits = torch.tensor([[0.5, -1.25, 2.0], [1.5, 0.25, -0.75], [-0.5, 0.75, 0.0], [3.0, -2.0, 1.0]], dtype=torch.float64)
labels = torch.tensor([2, 0, 1, -1])
weight = torch.tensor([0.5, 4.0, 1.25], dtype=torch.float64)
for eps in (0.0, 0.1):
    x = logits.clone().requires_grad_()
    loss = cross_entropy(x, labels, weight=weight, ignore_index=-1, label_smoothing=eps)
    loss.backward()
    print(eps, repr(loss.item()), [[round(v, 9) for v in row] for row in x.grad.tolist()])
