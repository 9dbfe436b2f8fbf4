"""Numbers for the optimisers' test, by PyTorch in float64: python torch-optimizers.py > ../src/training/optimizers/torch-optimizers.json"""

import json

import torch

STEPS = 6
CASES = [
    ({"name": "adam"}, torch.optim.Adam, {}),
    (
        {"name": "adam", "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-3, "weightDecay": 0.1},
        torch.optim.Adam,
        {"betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.1},
    ),
    ({"name": "adamW"}, torch.optim.AdamW, {}),
    ({"name": "adamW", "weightDecay": 0.3}, torch.optim.AdamW, {"weight_decay": 0.3}),
    ({"name": "rmsProp"}, torch.optim.RMSprop, {"alpha": 0.9}),
    (
        {"name": "rmsProp", "momentum": 0.6, "weightDecay": 1e-4},
        torch.optim.RMSprop,
        {"alpha": 0.9, "momentum": 0.6, "weight_decay": 1e-4},
    ),
    (
        {"name": "rmsProp", "decay": 0.99, "momentum": 0.9, "epsilon": 0.01, "weightDecay": 0.2},
        torch.optim.RMSprop,
        {"alpha": 0.99, "momentum": 0.9, "eps": 0.01, "weight_decay": 0.2},
    ),
]

torch.manual_seed(0)
start = torch.randn(4, dtype=torch.float64)
gradients = torch.randn(STEPS, 4, dtype=torch.float64) * torch.tensor([1e-3, 1.0, 30.0, 0.0])
rates = [0.1, 0.1, 0.05, 0.05, 0.02, 0.02]


def run(optimizer, settings):
    values = start.clone().requires_grad_()
    torch_optimizer = optimizer([values], lr=rates[0], **settings)
    path = []
    for gradient, rate in zip(gradients, rates):
        torch_optimizer.param_groups[0]["lr"] = rate
        values.grad = gradient.clone()
        torch_optimizer.step()
        path.append(values.tolist())
    return path


cases = [{"options": options, "values": run(optimizer, settings)} for options, optimizer, settings in CASES]
parameter = torch.zeros(STEPS, 4, dtype=torch.float64, requires_grad=True)
parameter.grad = gradients.clone()
norm = torch.nn.utils.clip_grad_norm_([parameter], 5.0)
print(
    json.dumps(
        {
            "torch": torch.__version__.split("+")[0],
            "start": start.tolist(),
            "gradients": gradients.tolist(),
            "learningRates": rates,
            "cases": cases,
            "clipping": {"limit": 5.0, "norm": norm.item(), "gradients": parameter.grad.tolist()},
        },
        indent=1,
    )
)
