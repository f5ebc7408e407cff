"""The demo workload: a shop with an assistant, like an application of yours. Nothing of the product needs it."""
