import { connect } from '@hookbox/client'

// what a small page needs; measured as its bundler would pack it
connect('https://hub.example.org').subscribe('chat')
