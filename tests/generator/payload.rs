//! HTTP/1.1 requests and responses of fixed length: built once, then only their numbers are written over.
//!
//! A request and its response carry the connection's number and the exchange's in hexadecimal, so that the bytes of two
//! exchanges are never the same; `Content-Length` is right, the body is filled with `x`.

use super::script::{Body, REQUEST_LEN, Script};
use super::world::World;

const REQUEST: &[u8] =
    b"GET /00000000/0000 HTTP/1.1\r\nHost: www.lab.test\r\nUser-Agent: lab/1\r\nConnection: keep-alive\r\n\r\n";
const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nServer: rs000\r\nContent-Length: 000000\r\nX-Id: 00000000/0000\r\n\r\n";
const _: () = assert!(REQUEST.len() == REQUEST_LEN as usize);
/// Where the numbers stand.
const REQUEST_ID: usize = 5;
const RESPONSE_SERVER: usize = 27;
const RESPONSE_LENGTH: usize = 48;
const RESPONSE_ID: usize = 62;

/// The bytes of all payloads of a world.
pub struct Payload {
    request: [u8; REQUEST.len()],
    response: Vec<u8>,
    more: Vec<u8>,
    first_segments: u32,
}

impl Payload {
    /// Of this world's lengths.
    pub fn new(world: &World, script: &Script) -> Self {
        let mut request = [0; REQUEST.len()];
        request.copy_from_slice(REQUEST);
        let more = vec![b'x'; usize::from(world.response_segment)];
        let mut response = more.clone();
        response[..RESPONSE.len()].copy_from_slice(RESPONSE);
        Self { request, response, more, first_segments: script.first_response_segments }
    }

    /// What connection `number` sends here; `server` is counted from 0.
    pub fn bytes(&mut self, body: Body, number: u32, server: u16) -> &[u8] {
        match body {
            Body::Empty => &[],
            Body::More => &self.more,
            Body::Request(exchange) => {
                identify(&mut self.request[REQUEST_ID..], number, exchange);
                &self.request
            }
            Body::Response(exchange) => {
                let segments = if exchange == 0 { self.first_segments } else { 1 };
                let length = segments * self.response.len() as u32 - RESPONSE.len() as u32;
                decimal(&mut self.response[RESPONSE_SERVER..][..3], u32::from(server) + 1);
                decimal(&mut self.response[RESPONSE_LENGTH..][..6], length);
                identify(&mut self.response[RESPONSE_ID..], number, exchange);
                &self.response
            }
        }
    }
}

fn identify(at: &mut [u8], number: u32, exchange: u32) {
    hexadecimal(&mut at[..8], number);
    hexadecimal(&mut at[9..13], exchange);
}

fn hexadecimal(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

fn decimal(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
