"""The policies: each proposes candidates for a prompt (`contract.candidate.Policy`)."""
