"""The peer that Keen used: Tornado parses each event and answers 201, without any log behind it."""

import json
import sys

import tornado.httpserver
import tornado.ioloop
import tornado.web


class Events(tornado.web.RequestHandler):
    def post(self, path):
        body = json.loads(self.request.body)
        if path != "bulk":
            self.set_status(201)
            self.write({"created": True})
        else:
            self.write({name: [{"success": True}] * len(events) for name, events in body.items()})


if __name__ == "__main__":
    application = tornado.web.Application([(r"/events/(.*)", Events), (r"/(bulk)", Events)])
    tornado.httpserver.HTTPServer(application).listen(int(sys.argv[1]), "127.0.0.1")
    tornado.ioloop.IOLoop.current().start()
