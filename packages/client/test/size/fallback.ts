import { connect } from '@hookbox/client'
import { fallback } from '@hookbox/client/fallback'

// the same for a page that must also get through where no WebSocket does
connect('https://hub.example.org', { fallback }).subscribe('chat')
