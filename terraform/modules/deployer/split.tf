# The policies, each in as many documents as IAM's quotas ask for (IAM User Guide, "IAM and AWS STS quotas"). How many there
# are follows from names alone, so `for_each` takes the outputs before anything exists.

locals {
  maximum_length = 6144 # characters of a managed policy
  maximum_count  = 10   # managed policies of a role, by default

  listed = {
    plan  = [for each in local.statements : merge(each, { actions = each.read })]
    apply = [for each in local.statements : merge(each, { actions = concat(each.read, each.write) })]
  }

  # A statement with many resources becomes several, each with about 1,500 characters of them.
  pieces = {
    for purpose, listed in local.listed : purpose => flatten([
      for each in listed : [
        for resources in chunklist(each.resources, ceil(1500 / max([for arn in each.resources : length(arn)]...))) :
        jsonencode(merge(
          { Effect = "Allow", Action = each.actions, Resource = resources },
          { for element, condition in { Condition = each.condition } : element => condition if condition != null },
        ))
      ] if length(each.actions) > 0
    ])
  }

  # Everything in one document, if it fits. Otherwise each document takes the pieces that begin within its share, and the
  # last of them may be as long as the longest.
  room = local.maximum_length - length(local.document.before) - length(local.document.after)
  ends = {
    for purpose, pieces in local.pieces : purpose => [
      for index, _ in pieces : sum([for piece in slice(pieces, 0, index + 1) : length(piece) + 1])
    ]
  }
  shares = {
    for purpose, ends in local.ends : purpose => max(ends...) <= local.room ? local.room : local.room - max([for piece in local.pieces[purpose] : length(piece) + 1]...)
  }

  document = { before = "{\"Version\":\"2012-10-17\",\"Statement\":[", after = "]}" }
  policies = {
    for purpose, pieces in local.pieces : purpose => {
      for number, inside in {
        for index, piece in pieces : 1 + floor((local.ends[purpose][index] - length(piece) - 1) / local.shares[purpose]) => piece...
      } :
      number => "${local.document.before}${join(",", inside)}${local.document.after}"
    }
  }
  count = max([for documents in local.policies : length(documents)]...)
}
