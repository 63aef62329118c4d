"""Long products that over- or underflow are carried as fractions and powers of two.

`survey` finds them, `carrying` rewrites the graph around them, `ops` knows what each op does with such numbers,
`arithmetic` how they are added and multiplied, `products` how many of them are, `loops` how a loop carries them.
"""

from graphc.passes.log_domain.carrying import LOG_DOMAIN, log_domain, log_domain_nodes

__all__ = ["LOG_DOMAIN", "log_domain", "log_domain_nodes"]
