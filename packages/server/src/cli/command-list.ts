/** What can be done besides starting a hub, as `--help` lists it. */
export const commandList = [
  {
    name: 'doctor',
    usage: 'doctor',
    help: 'Ask your application as a hub would, and say what is right and wrong.',
  },
  {
    name: 'probe',
    usage: 'probe WEBHOOK',
    help: 'Send your application one webhook, and print what a hub would do with the reply.',
  },
  {
    name: 'tail',
    usage: 'tail CHANNEL',
    help: 'Join a channel as a page does, and print what is told there.',
  },
  { name: 'publish', usage: 'publish CHANNEL [JSON]', help: 'Publish into a channel.' },
  { name: 'info', usage: 'info', help: 'Print what the hub is, and how much is on it.' },
  {
    name: 'channels',
    usage: 'channels [CHANNEL …]',
    help: 'Print the names of all channels, or all about some.',
  },
  { name: 'users', usage: 'users [USER …]', help: 'Print the names of all users, or all about some.' },
] as const

export type CommandName = (typeof commandList)[number]['name']
