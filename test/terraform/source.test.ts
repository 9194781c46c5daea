import t from 'tap'
import { lineOf, outline } from '../../terraform/testing/source.ts'

const hcl = String.raw`# resource "in" "a comment" {
variable "size" {
  default = { small = 1, big = "}" } # }
}

resource "aws_lb_target_group" "this" {
  name = "\"${'${'}var.name == "}" ? "{" : "%%{"}-$${'${'}not"
  user_data = <<-END
    resource "in" "a heredoc" {
  END
  tags = {
    Name = "x"
  }
  dynamic "health_check" {
    for_each = [1]
    content {
      path = "/health/ready"
    }
  }
  /* ingress {
  } */
  stickiness { enabled = true }
}
`

t.test('blocks are found by what is written, not by what a string or a comment holds', async (t) => {
  const blocks = outline('main.tf', hcl)
  t.same(
    blocks.map(({ kind, labels, line }) => [kind, ...labels, line]),
    [
      ['variable', 'size', 2],
      ['resource', 'aws_lb_target_group', 'this', 6]
    ]
  )
  t.match(hcl.slice(blocks[0]?.start, blocks[0]?.end), /^\n {2}default = .*\n$/)
})

t.test(
  'a path leads to the line of its argument, through dynamic blocks, as far as it is written',
  async (t) => {
    const [, group] = outline('main.tf', hcl)
    if (group === undefined) throw new Error('no group')
    t.equal(lineOf(group, ['user_data']), 8)
    t.equal(lineOf(group, ['tags', 'Name']), 11)
    t.equal(lineOf(group, ['health_check', 'path']), 17)
    t.equal(lineOf(group, ['health_check', 'matcher']), 16)
    t.equal(lineOf(group, ['health_check']), 14)
    t.equal(lineOf(group, ['stickiness', 'enabled']), 22)
    t.equal(lineOf(group, ['nothing']), 6)
  }
)

t.test('a text that is no HCL is refused with its line', async (t) => {
  t.throws(() => outline('broken.tf', 'a = 1\n)'), { message: 'broken.tf:2: neither a name nor a comment' })
})
